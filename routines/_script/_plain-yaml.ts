/**
 * The fast reader: a strict subset of YAML (block maps and lists, one-line scalars and flow collections, literal
 * blocks), read in one pass. Whatever it does not know for certain it leaves to the exact reader, which costs an npm
 * package: tags, anchors, merge keys, several documents, folded text, duplicate keys, every error.
 */
import { HASH, NEWLINE, PlainCursor, UNSURE } from "./_plain-cursor.ts";
import { resolvePlainScalar } from "./_yaml-scalar.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const SUSPICIOUS = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd-\uffff]/;
const KEY = /([A-Za-z_][\w./-]*|"[^"\\\n]*"|'[^'\n]*'):(?=[ \n]|$)/y;
const RESERVED_KEY = /^(?:true|false|null|__proto__)$/i;
const DOUBLE_QUOTED = /"(?:[^"\\\n]|\\["\\nrtb])*"/y;
const SINGLE_QUOTED = /'(?:[^'\n]|'')*'/y;
const FLOW_PLAIN = /[^\s,[\]{}#&*!|>'"%@`?:-][^,[\]{}\n]*|-[^\s,[\]{}\n][^,[\]{}\n]*/y;
const FLOW_KEY = /([A-Za-z_][\w./-]*|"[^"\\\n]*"|'[^'\n]*'): +/y;
const PLAIN_START = /[^\s,[\]{}#&*!|>'"%@`?:-]|-[^\s]/y;

/** The value of a text within the subset, or undefined where the exact reader has to be asked. */
export function parsePlainYaml(text: string): { value: unknown } | undefined {
  if (SUSPICIOUS.test(text)) return undefined;
  try {
    return { value: new PlainReader(text).readDocument() };
  } catch (error) {
    if (error === UNSURE) return undefined;
    if (error instanceof RangeError) return undefined; // nested beyond the stack
    throw error;
  }
}

class PlainReader extends PlainCursor {
  readDocument(): unknown {
    const marker = this.text.startsWith("---\n") ? 4 : 0;
    this.moveToLine(marker);
    if (this.atEnd || this.indent !== 0) throw UNSURE;
    const value = this.readBlock(0);
    if (!this.atEnd) throw UNSURE;
    return value;
  }

  private readBlock(indent: number): unknown {
    return this.isItem() ? this.readSequence(indent) : this.readMapping(indent);
  }

  private readMapping(indent: number): unknown {
    const map: Record<string, unknown> = {};
    while (this.indent === indent && !this.isItem()) {
      const key = this.match(KEY);
      if (key === undefined) throw UNSURE;
      const name = unquoteKey(key.slice(0, -1));
      if (Object.hasOwn(map, name)) throw UNSURE;
      map[name] = this.readValue(indent, true);
    }
    if (this.indent > indent) throw UNSURE;
    return map;
  }

  private readSequence(indent: number): unknown {
    const list: unknown[] = [];
    while (this.indent === indent && this.isItem()) {
      this.at++;
      const content = this.skipSpaces();
      if (content === NEWLINE || content === HASH || Number.isNaN(content)) {
        list.push(this.readValue(indent, false));
      } else {
        list.push(this.readItem(indent));
      }
    }
    if (this.indent > indent) throw UNSURE;
    return list;
  }

  /** An item's content on the line of its dash: `- a: 1` opens a map whose indent is where `a` stands. */
  private readItem(indent: number): unknown {
    const lineStart = this.text.lastIndexOf("\n", this.at) + 1;
    KEY.lastIndex = this.at;
    if (!KEY.test(this.text) && !this.isItem()) return this.readValue(indent, false);
    this.indent = this.at - lineStart;
    return this.readBlock(this.indent);
  }

  /** What follows `key:` or `- `, up to and with the move to the next line. */
  private readValue(indent: number, inMap: boolean): unknown {
    const letter = this.skipSpaces();
    if (letter === NEWLINE || Number.isNaN(letter) || this.isComment()) {
      this.endLine();
      if (this.indent > indent) return this.readBlock(this.indent);
      return inMap && this.indent === indent && this.isItem() ? this.readSequence(indent) : null;
    }
    if (this.text[this.at] === "|") return this.readLiteral(indent);
    const value = this.readInline();
    this.endLine();
    if (this.indent > indent) throw UNSURE;
    return value;
  }

  private readInline(): unknown {
    const letter = this.text[this.at];
    if (letter === '"' || letter === "'") return this.readQuoted(letter);
    if (letter === "[") return this.readFlowList();
    if (letter === "{") return this.readFlowMap();
    return this.readPlain();
  }

  private readPlain(): unknown {
    PLAIN_START.lastIndex = this.at;
    if (!PLAIN_START.test(this.text)) throw UNSURE;
    const newline = this.text.indexOf("\n", this.at);
    const line = this.text.slice(this.at, newline === -1 ? undefined : newline);
    const comment = line.indexOf(" #");
    const plain = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
    if (plain.includes(": ") || plain.endsWith(":")) throw UNSURE;
    this.at += plain.length;
    return resolvePlainScalar(plain);
  }

  private readQuoted(quote: string): string {
    const token = this.match(quote === '"' ? DOUBLE_QUOTED : SINGLE_QUOTED);
    if (token === undefined) throw UNSURE;
    if (quote === "'") return token.slice(1, -1).replaceAll("''", "'");
    return token.includes("\\") ? (JSON.parse(token) as string) : token.slice(1, -1);
  }

  private readFlowList(): unknown[] {
    const list: unknown[] = [];
    this.at++;
    this.skipSpaces();
    if (this.takes("]")) return list;
    do {
      this.skipSpaces();
      list.push(this.readFlowValue());
      this.skipSpaces();
    } while (this.takes(","));
    if (!this.takes("]")) throw UNSURE;
    return list;
  }

  private readFlowMap(): unknown {
    const map: Record<string, unknown> = {};
    this.at++;
    this.skipSpaces();
    if (this.takes("}")) return map;
    do {
      this.skipSpaces();
      const key = this.match(FLOW_KEY);
      if (key === undefined) throw UNSURE;
      const name = unquoteKey(key.trimEnd().slice(0, -1));
      if (Object.hasOwn(map, name)) throw UNSURE;
      map[name] = this.readFlowValue();
      this.skipSpaces();
    } while (this.takes(","));
    if (!this.takes("}")) throw UNSURE;
    return map;
  }

  private readFlowValue(): unknown {
    const letter = this.text[this.at];
    if (letter === '"' || letter === "'") return this.readQuoted(letter);
    if (letter === "[") return this.readFlowList();
    if (letter === "{") return this.readFlowMap();
    const token = this.match(FLOW_PLAIN)?.trimEnd();
    if (token === undefined || token.includes(": ") || token.endsWith(":") || token.includes(" #") || token.includes("?")) throw UNSURE;
    return resolvePlainScalar(token);
  }
}

function unquoteKey(key: string): string {
  if (key.startsWith('"') || key.startsWith("'")) {
    const name = key.slice(1, -1);
    if (name === "__proto__" || name === "<<") throw UNSURE;
    return name;
  }
  if (RESERVED_KEY.test(key)) throw UNSURE;
  return key;
}
