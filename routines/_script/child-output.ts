/**
 * What a child process says on a pipe, until it has ended. Bun 1.4.5 now and then misses the end of a
 * pipe (seen with several children at once on a busy machine: the process is gone, its end of the
 * pipe closed, the reader waits for ever), so once the process has ended its pipes have a moment left.
 */

const LAST_WORDS_MS = 500;

export interface ChildOutput {
  ended: Promise<unknown>;
  /** Gives up what may still come. */
  stop(): void;
}

/** Hands each piece over as it comes. */
export function readOutput(stream: ReadableStream<Uint8Array>, listen: (text: string) => unknown): ChildOutput {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const read = async (): Promise<void> => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) listen(decoder.decode(next.value, { stream: true }));
  };
  return { ended: read(), stop: () => void reader.cancel() };
}

/** The process's code, once it has ended and all its outputs have, or have had their moment. */
export async function awaitChild(exited: Promise<number>, outputs: readonly ChildOutput[]): Promise<number> {
  const code = await exited;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LAST_WORDS_MS);
  await Promise.race([Promise.all(outputs.map(({ ended }) => ended)), late]);
  clearTimeout(timer);
  for (const output of outputs) output.stop();
  return code;
}
