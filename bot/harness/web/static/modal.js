// Modals that an application opens: a form in a dialog.

import { freshId, h, iconButton } from "./dom.js";
import { CLOSE } from "./icons.js";
import { InteractionType } from "./interactions.js";
import { modalField } from "./modal_field.js";
import { formatted } from "./text.js";

const Type = { ROW: 1, TEXT: 10, LABEL: 18 };

/** Open a modal (the data of INTERACTION_MODAL_CREATE). */
export function openModal(app, modal) {
  const channel = app.store.channel(modal.channel_id) ?? app.channel;
  const place = { app, guild: app.store.guildOf(channel) };
  const fields = [];
  const title = h("h2", { id: freshId("title") }, modal.title);
  const error = h("p", { class: "form-error", role: "alert" });
  const submit = h("button", { type: "submit", class: "button primary" }, "Submit");
  const form = h(
    "form",
    { noValidate: false, on: { submit: send } },
    h("header", { class: "modal-header" }, title, iconButton(CLOSE, "Close", () => dialog.close())),
    h("div", { class: "modal-fields" }, modal.components.map(row)),
    error,
    h(
      "div",
      { class: "dialog-buttons" },
      h("button", { type: "button", class: "button plain", on: { click: () => dialog.close() } }, "Cancel"),
      submit,
    ),
  );
  const dialog = h("dialog", { class: "dialog modal", "aria-labelledby": title.id }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (fields[0] ?? submit).focus();

  function row(component) {
    switch (component.type) {
      case Type.ROW:
        return component.components.map((inner) => labelled(inner, inner.label, null));
      case Type.LABEL:
        return labelled(component.component, component.label, component.description);
      case Type.TEXT:
        return formatted(component.content ?? "", place);
      default:
        return null;
    }
  }

  function labelled(component, text, description) {
    const field = modalField(app, component, channel);
    fields.push(field);
    return h(
      "div",
      { class: "field" },
      h("label", { htmlFor: field.id, id: field.labelId }, text, field.required && h("span", { class: "required", "aria-hidden": "true" }, " *")),
      description && h("small", { id: field.hintId }, description),
      field.element,
    );
  }

  async function send(event) {
    event.preventDefault();
    const wrong = fields.find((field) => field.invalid());
    if (wrong) {
      error.textContent = wrong.invalid();
      wrong.focus();
      return;
    }
    const files = [];
    const data = {
      id: modal.id,
      application_id: modal.application?.id,
      custom_id: modal.custom_id,
      components: modal.components.map((component) => filled(component, files)),
      attachments: [],
    };
    data.attachments = files.map((file, index) => ({ id: String(index), filename: file.name }));
    submit.disabled = true;
    try {
      await app.interactions.use(InteractionType.MODAL, channel, data, { files });
      dialog.close();
    } catch (problem) {
      error.textContent = `Something went wrong. Try again. (${problem.message})`;
      submit.disabled = false;
    }
  }

  /** A component with what was filled in, in the shape that it is submitted in. */
  function filled(component, files) {
    const told = { type: component.type, id: component.id };
    const field = fields.find((f) => f.component === component);
    if (field) Object.assign(told, { custom_id: component.custom_id }, field.filled(files));
    if (component.components) told.components = component.components.map((c) => filled(c, files));
    if (component.component) told.component = filled(component.component, files);
    return told;
  }
}
