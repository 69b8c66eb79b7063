// Dialogs that ask for one thing.

import { freshId, h } from "./dom.js";

/** Ask for a text; answers it, or null when it was called off. */
export function ask(title, label, { value = "", most = 100, action = "OK" } = {}) {
  const id = freshId("field");
  const input = h("input", { id, type: "text", value, maxLength: most, required: true, autocomplete: "off" });
  const content = h("div", { class: "field" }, h("label", { htmlFor: id }, label), input);
  return open(title, content, action, () => input.value.trim() || null, { focus: input });
}

/** Ask whether to go on; answers true or false. */
export async function confirm(title, question, action) {
  return (await open(title, h("p", {}, question), action, () => true, { danger: true })) ?? false;
}

function open(title, content, action, result, { danger = false, focus = null } = {}) {
  return new Promise((resolve) => {
    let answer = null;
    const heading = h("h2", { id: freshId("title") }, title);
    const accept = h("button", { type: "submit", class: danger ? "button danger" : "button primary" }, action);
    const form = h(
      "form",
      {
        method: "dialog",
        on: {
          submit: (event) => {
            event.preventDefault();
            answer = result();
            if (answer !== null) dialog.close();
          },
        },
      },
      heading,
      content,
      h(
        "div",
        { class: "dialog-buttons" },
        h("button", { type: "button", class: "button plain", on: { click: () => dialog.close() } }, "Cancel"),
        accept,
      ),
    );
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": heading.id }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    (focus ?? accept).focus();
    focus?.select();
  });
}
