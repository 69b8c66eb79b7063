// Discord's markdown as a tree of plain objects: {type, children?, ...}. It makes no markup.

const DEPTH = 12;
const URL_START = /^https?:\/\/[^\s<>]+/i;
const PAIRS = [
  ["**", "bold"],
  ["__", "underline"],
  ["~~", "strike"],
  ["||", "spoiler"],
  ["*", "italic"],
  ["_", "italic"],
];
const TAGS = [
  [/^<@!?(\d{1,20})>/, ([, id]) => ({ type: "user", id })],
  [/^<@&(\d{1,20})>/, ([, id]) => ({ type: "role", id })],
  [/^<#(\d{1,20})>/, ([, id]) => ({ type: "channel", id })],
  [/^<\/([^:>\n]{1,100}):(\d{1,20})>/, ([, name]) => ({ type: "command", name })],
  [/^<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, ([, at, style]) => ({ type: "time", at: Number(at), style })],
  [/^<(a?):(\w{2,32}):(\d{1,20})>/, ([, , name, id]) => ({ type: "emoji", name, id })],
  [/^<(https?:\/\/[^\s<>]+)>/i, ([, url]) => ({ type: "link", url, children: text(url) })],
  [/^@(everyone|here)\b/, ([all]) => ({ type: "everyone", text: all })],
];
const ITEM = /^( *)(?:([-*])|(\d{1,9})\.) +(.*)$/;

/** The blocks of a message. */
export function parse(source) {
  return blocks(source.replaceAll("\r\n", "\n"), 0);
}

function blocks(source, depth) {
  const found = [];
  let rest = source;
  while (rest) {
    const taken = depth < DEPTH ? block(rest, depth) : null;
    const [node, length] = taken ?? paragraph(rest, depth);
    const last = found.at(-1);
    if (node.type === "paragraph" && last?.type === "paragraph") last.children.push(...node.children);
    else found.push(node);
    rest = rest.slice(length);
  }
  return found;
}

/** A block at the start of `rest` with its length, or null where a paragraph goes on. */
function block(rest, depth) {
  const fence = codeBlock(rest);
  if (fence) return fence;
  const line = rest.slice(0, lineEnd(rest));
  if (rest.startsWith(">>> ")) {
    return [{ type: "quote", children: blocks(rest.slice(4), depth + 1) }, rest.length];
  }
  if (/^> /.test(line)) return quote(rest, depth);
  const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
  if (heading) {
    const children = inline(heading[2].trim(), depth + 1);
    return [{ type: "heading", level: heading[1].length, children }, line.length + 1];
  }
  const small = /^-# +(\S.*)$/.exec(line);
  if (small) return [{ type: "subtext", children: inline(small[1], depth + 1) }, line.length + 1];
  return ITEM.test(line) ? list(rest, depth) : null;
}

function codeBlock(rest) {
  if (!rest.startsWith("```")) return null;
  const end = rest.indexOf("```", 3);
  if (end < 0) return null;
  const inside = rest.slice(3, end);
  const named = /^([\w+#.-]{1,30})\n/.exec(inside);
  const code = (named ? inside.slice(named[0].length) : inside).replace(/^\n/, "").replace(/\n$/, "");
  if (!code) return null;
  const length = end + 3;
  return [{ type: "code-block", language: named?.[1] ?? "", text: code }, length + (rest[length] === "\n")];
}

function quote(rest, depth) {
  const lines = [];
  let length = 0;
  while (length < rest.length) {
    const line = rest.slice(length, lineEnd(rest, length));
    if (line !== ">" && !line.startsWith("> ")) break;
    lines.push(line.slice(2));
    length += line.length + 1;
  }
  return [{ type: "quote", children: blocks(lines.join("\n"), depth + 1) }, length];
}

function list(rest, depth) {
  const items = [];
  let length = 0;
  while (length < rest.length) {
    const end = lineEnd(rest, length);
    const found = ITEM.exec(rest.slice(length, end));
    if (!found) break;
    const [, indent, bullet, number, content] = found;
    const first = items[0];
    if (first && indent.length <= first.indent && first.ordered === Boolean(bullet)) break;
    items.push({ indent: indent.length, ordered: !bullet, number: Number(number ?? 1), content });
    length = end + 1;
  }
  return [nested(items, depth), length];
}

/** A list of the items at the first one's indentation; deeper ones become lists within. */
function nested(items, depth) {
  const { ordered, number, indent } = items[0];
  const rows = [];
  for (let i = 0; i < items.length; ) {
    const row = { type: "item", children: inline(items[i].content, depth + 1) };
    let next = i + 1;
    while (next < items.length && items[next].indent > indent) next++;
    const inner = items.slice(i + 1, next);
    if (inner.length && depth < DEPTH) row.children.push(nested(inner, depth + 1));
    rows.push(row);
    i = next;
  }
  return { type: "list", ordered, start: number, children: rows };
}

/** The lines up to the next block; what spans lines (bold, spoilers) is parsed as one. */
function paragraph(rest, depth) {
  let stop = 0;
  for (;;) {
    const end = lineEnd(rest, stop);
    const fence = stop + rest.slice(stop, end).indexOf("```");
    if (fence >= stop && fence > 0 && codeBlock(rest.slice(fence))) {
      return [plain(rest.slice(0, fence).replace(/\n$/, ""), depth), fence];
    }
    stop = end + 1;
    if (stop >= rest.length || startsBlock(rest.slice(stop))) return [plain(rest.slice(0, end), depth), stop];
  }
}

function plain(source, depth) {
  return { type: "paragraph", children: inline(source, depth) };
}

function startsBlock(rest) {
  const line = rest.slice(0, lineEnd(rest));
  return /^(?:>>> |> |#{1,3} +\S|-# +\S)/.test(line) || ITEM.test(line);
}

function lineEnd(source, from = 0) {
  const end = source.indexOf("\n", from);
  return end < 0 ? source.length : end;
}

/** The nodes of a text within a block. */
export function inline(source, depth = 0) {
  const found = [];
  let plain = "";
  for (let i = 0; i < source.length; ) {
    const taken = depth < DEPTH ? span(source, i, depth) : null;
    if (!taken) {
      plain += source[i++];
      continue;
    }
    const [node, length] = taken;
    if (node.type === "text") {
      plain += node.text;
    } else {
      found.push(...text(plain), node);
      plain = "";
    }
    i += length;
  }
  return [...found, ...text(plain)];
}

/** The node that begins at `i` with its length, or null for a plain character. */
function span(source, i, depth) {
  const character = source[i];
  if (!"\\`<@[h*_~|H".includes(character)) return null;
  const rest = source.slice(i);
  if (character === "\\") {
    return /^\\[^\w\s]/.test(rest) ? [{ type: "text", text: rest[1] }, 2] : null;
  }
  if (character === "`") return code(rest);
  if (character === "[") return maskedLink(rest, depth);
  if (/^https?:/i.test(rest) && !/\w/.test(source[i - 1] ?? " ")) return bareLink(rest);
  for (const [pattern, node] of TAGS) {
    const tag = pattern.exec(rest);
    if (tag) return [node(tag), tag[0].length];
  }
  for (const [mark, type] of PAIRS) {
    const inside = rest.startsWith(mark) ? enclosed(source, i, mark) : null;
    if (inside) {
      return [{ type, children: inline(inside, depth + 1) }, inside.length + 2 * mark.length];
    }
  }
  return null;
}

/** Code up to a run of as many backticks; a run that has no such counterpart is plain. */
function code(rest) {
  const length = runLength(rest, 0, "`");
  for (let i = length; i < rest.length; ) {
    const run = runLength(rest, i, "`");
    if (run === length) {
      const inside = rest.slice(length, i);
      return [{ type: "code", text: inside.length > 2 ? inside.replace(/^ (.*) $/s, "$1") : inside }, i + length];
    }
    i += run || 1;
  }
  return [{ type: "text", text: rest.slice(0, length) }, length];
}

function bareLink(rest) {
  let url = URL_START.exec(rest)?.[0].replace(/[.,:;"'\]!?*_~|]+$/, "");
  while (url?.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
  return url && URL.canParse(url) ? [{ type: "link", url, children: text(url) }, url.length] : null;
}

/** [text](https://…), unless the text itself looks like an address: that only misleads. */
function maskedLink(rest, depth) {
  const found = /^\[([^[\]\n]{1,500})\]\(<?(https?:\/\/[^\s<>()]+(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?: "[^"\n]*")?\)/i.exec(rest);
  if (!found || !URL.canParse(found[2])) return null;
  if (/https?:\/\/|\w\.\w{2,}\//i.test(found[1])) return null;
  return [{ type: "link", url: found[2], masked: true, children: inline(found[1], depth + 1) }, found[0].length];
}

/** What stands between a mark at `i` and its counterpart, or null. */
function enclosed(source, i, mark) {
  const start = i + mark.length;
  const single = mark.length === 1;
  if (single && (source[start] === mark || /\s/.test(source[start] ?? " "))) return null;
  if (mark === "_" && /\w/.test(source[i - 1] ?? " ")) return null;
  for (let j = start; j < source.length; j++) {
    if (source[j] === "\\") {
      j++;
    } else if (source[j] === "`") {
      j += code(source.slice(j))[1] - 1;
    } else if (source.startsWith(mark, j) && j > start) {
      const run = runLength(source, j, mark[0]);
      if (single && run % 2 === 0) {
        j += run - 1;
      } else {
        const end = j + run - mark.length;
        const ends = !single || !/\s/.test(source[end - 1]);
        if (ends && !(mark === "_" && /\w/.test(source[end + 1] ?? " "))) return source.slice(start, end);
      }
    }
  }
  return null;
}

function runLength(source, from, character) {
  let end = from;
  while (source[end] === character) end++;
  return end - from;
}

function text(source) {
  return source ? [{ type: "text", text: source }] : [];
}
