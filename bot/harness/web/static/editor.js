// Editing one's own message in its place: Enter saves, Escape leaves it.

import { h } from "./dom.js";

export function editor(app, message, onEnd) {
  const input = h("textarea", {
    class: "input",
    value: message.content,
    rows: Math.min(12, message.content.split("\n").length),
    maxLength: 2000,
    "aria-label": "Edit message",
    on: { keydown },
  });
  const save = async () => {
    const content = input.value.trim();
    onEnd();
    if (content === message.content) return;
    const path = `/channels/${message.channel_id}/messages/${message.id}`;
    await app.attempt(() => (content ? app.rest.patch(path, { content }) : app.rest.delete(path)));
  };
  function keydown(event) {
    event.stopPropagation();
    if (event.key === "Escape") onEnd();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    save();
  }
  const link = (label, onClick) => h("button", { type: "button", class: "as-link", on: { click: onClick } }, label);
  return h(
    "div",
    { class: "editor" },
    input,
    h("small", {}, "escape to ", link("cancel", onEnd), " • enter to ", link("save", save)),
  );
}
