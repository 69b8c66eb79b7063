// Who is typing in the open channel.

import { $ } from "./dom.js";
import { dots } from "./message.js";

export function drawTyping(app) {
  const { store, channel } = app;
  const guild = store.guildOf(channel);
  const names = [...(store.typing.get(channel.id)?.keys() ?? [])].map((id) => store.nameOf(id, guild));
  $("typing").replaceChildren(...(names.length ? [dots(), sentence(names)] : []));
}

function sentence(names) {
  if (names.length > 3) return "Several people are typing…";
  const who = new Intl.ListFormat("en").format(names);
  return `${who} ${names.length === 1 ? "is" : "are"} typing…`;
}
