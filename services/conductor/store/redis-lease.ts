/**
 * One conductor at a time works on a Redis with one prefix: each knows only those who registered with it, so two would contradict each
 * other. Who has the key "<prefix>:conductor" is the one; it lasts a few seconds and is renewed as long as its owner lives. The others
 * wait, and one of them is the next. What an owner that was cut off still writes harms nothing: every step of the store is whole.
 */
import { makeScript, type RedisLink } from "./redis-link.ts";
import { type Claim, StoreError } from "./store.ts";

/** Longer than a pause of Redis or of the owner that is nobody's end. */
const LEASE_MS = 4_000;
const RENEW_MS = 1_000;
const LOOK_MS = 500;

/**
 * key, who, ms, its name, its term or nothing → its term, or who has it. A new owner begins a new term: one that comes back and finds
 * the key free must not go on where another was meanwhile. A Redis that has forgotten all terms had no other.
 */
const TAKE = makeScript(`
local key, who, term = ARGV[1], ARGV[2], ARGV[5]
local held, last = redis.call('GET', key), redis.call('GET', key .. '-term')
if held and string.sub(held, 1, #who) ~= who then return string.sub(held, #who + 2) end
if term ~= '' and last and last ~= term then return 'one that has ended since' end
if term == '' then last = redis.call('INCR', key .. '-term') else redis.call('SET', key .. '-term', term) end
redis.call('SET', key, who .. ' ' .. ARGV[4], 'PX', ARGV[3])
return tonumber(term ~= '' and term or last)
`);

/** key, who */
const LEAVE = makeScript(`
local held = redis.call('GET', ARGV[1])
if held and string.sub(held, 1, #ARGV[2]) == ARGV[2] then redis.call('DEL', ARGV[1]) end
`);

export class RedisLease {
  readonly #link: RedisLink;
  readonly #key: string;
  readonly #who = crypto.randomUUID();
  #term = "";
  #timer: Timer | undefined;

  constructor(link: RedisLink, prefix: string) {
    this.#link = link;
    this.#key = `${prefix}:conductor`;
  }

  /** As `Store.own`. */
  async own(claim: Claim): Promise<void> {
    let told = "";
    while (!claim.signal.aborted) {
      const reason = await this.#take(claim.name).then(describeOwner, describeTrouble);
      if (reason === undefined) return this.#keep(claim);
      if (reason !== told) claim.onWait(reason);
      told = reason;
      await Bun.sleep(LOOK_MS);
    }
  }

  /** The next one need not wait. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#term !== "") await this.#link.run(LEAVE, [this.#key, this.#who]).catch(() => undefined);
  }

  #keep({ name, onLost }: Claim): void {
    const renew = async (): Promise<void> => {
      // while Redis is away nobody else gets it either
      const reason = await this.#take(name).then(describeOwner, () => undefined);
      if (reason === undefined) return;
      clearInterval(this.#timer);
      onLost(reason);
    };
    this.#timer = setInterval(() => void renew(), RENEW_MS);
    this.#timer.unref();
  }

  /** Undefined where it is ours; otherwise whose it is. */
  async #take(name: string): Promise<string | undefined> {
    const answer = await this.#link.run(TAKE, [this.#key, this.#who, LEASE_MS, name, this.#term]);
    if (typeof answer === "string") return answer;
    this.#term = String(answer);
    return undefined;
  }
}

function describeOwner(owner: string | undefined): string | undefined {
  return owner === undefined ? undefined : `another conductor works on this Redis with this prefix: ${owner}`;
}

function describeTrouble(error: unknown): string {
  if (!(error instanceof StoreError)) throw error;
  return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
}
