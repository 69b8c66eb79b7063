// What the message box suggests as one types: /commands, @people, #channels and :emoji.

import { h } from "./dom.js";
import { findEmoji } from "./emoji.js";
import { channels, people, roles } from "./select.js";

const MOST = 12;
const WORD = /(^|\s)([@#:])([\p{L}\p{N}_.+-]*)$/u;

/** Suggestions for what is before the cursor: {title, items} or null. An item has `insert` or `entry`. */
export async function complete(app, channel, field) {
  const typed = field.value.slice(0, field.selectionStart);
  if (typed.startsWith("/") && field.selectionStart === field.value.length && !typed.includes("\n")) {
    return slashCommands(app, channel, typed.slice(1));
  }
  const found = WORD.exec(typed);
  if (!found) return null;
  const [, , sign, word] = found;
  const items = { "@": mentions, "#": places, ":": emoji }[sign](app, channel, word.toLowerCase());
  if (!items.length) return null;
  const title = { "@": "Members and roles", "#": "Channels", ":": "Emoji" }[sign];
  return { title, items: items.slice(0, MOST).map((item) => ({ ...item, length: word.length + 1 })) };
}

async function slashCommands(app, channel, typed) {
  const wanted = typed.trimStart().toLowerCase();
  const all = await app.commands.slash(channel);
  const rank = (entry) => (entry.name.startsWith(wanted) ? 0 : 1);
  const items = all
    .filter((entry) => entry.name.includes(wanted))
    .sort((a, b) => rank(a) - rank(b))
    .map((entry) => ({
      entry,
      label: `/${entry.name}`,
      detail: entry.description,
      after: entry.options.filter((o) => o.required).map((o) => o.name).join("  "),
    }));
  if (!items.length && typed.includes(" ")) return null;
  return { title: "Commands", items, note: "No such command here" };
}

function mentions(app, channel, word) {
  const guildId = channel.guild_id;
  const named = people(app, channel)
    .filter((p) => `${p.label} ${p.detail}`.toLowerCase().includes(word))
    .map((p) => ({ ...p, insert: `<@${p.value}>`, shown: `@${p.label}` }));
  const groups = roles(app, channel)
    .filter((r) => r.label.toLowerCase().includes(word))
    .map((r) => ({ ...r, insert: r.value === guildId ? "@everyone" : `<@&${r.value}>`, shown: r.label }));
  return [...named, ...groups];
}

function places(app, channel, word) {
  return channels(app, channel)
    .filter((c) => c.label.toLowerCase().includes(word))
    .map((c) => ({ ...c, insert: `<#${c.value}>`, shown: `#${c.label}` }));
}

function emoji(app, channel, word) {
  if (word.length < 2) return [];
  return findEmoji(word, MOST).map(([character, words]) => ({
    label: `:${words.split(" ")[0]}:`,
    before: h("span", { class: "option-emoji" }, character),
    insert: character,
    shown: character,
  }));
}
