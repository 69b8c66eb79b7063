// A slash command that was picked: its options as fields, in the composer's place.

import { h, iconButton } from "./dom.js";
import { CLOSE } from "./icons.js";
import { InteractionType } from "./interactions.js";
import { optionField } from "./option_field.js";

/** A form for `entry` (of Commands.slash); `onEnd()` is called when it was sent or called off. */
export class CommandForm {
  constructor(app, channel, entry, panel, onEnd) {
    this.app = app;
    this.channel = channel;
    this.entry = entry;
    this.panel = panel;
    this.onEnd = onEnd;
    this.fields = [];
    this.fieldset = h("div", { class: "option-fields" });
    this.optional = h("div", { class: "optional" });
    this.error = h("p", { class: "form-error", role: "alert" });
    this.element = h(
      "form",
      {
        class: "command-form",
        "aria-label": `Command /${entry.name}`,
        on: {
          submit: (event) => {
            event.preventDefault();
            this.send();
          },
          keydown: (event) => this.#keydown(event),
        },
      },
      h("div", { class: "command-line" }, h("span", { class: "command-chip", title: entry.description }, `/${entry.name}`), this.fieldset),
      this.optional,
      this.error,
      h(
        "div",
        { class: "command-end" },
        h("small", {}, entry.description),
        h("button", { type: "submit", class: "button primary small" }, "Send"),
        iconButton(CLOSE, "Cancel command", () => this.onEnd()),
      ),
    );
    for (const option of entry.options.filter((o) => o.required)) this.#add(option);
    this.#offer();
  }

  focus() {
    const first = this.fields[0];
    if (first) first.focus();
    else this.element.querySelector("button[type=submit]").focus();
  }

  /** Go on to the field after `field`. */
  next(field) {
    const following = this.fields[this.fields.indexOf(field) + 1];
    if (following) following.focus();
  }

  /** What is filled in so far, as an interaction's data; `focused` is the field that is typed in. */
  data(focused = null) {
    const files = [];
    const options = this.fields.flatMap((field) => {
      let value = field.value();
      if (field === focused) value = field.input.value;
      if (value === undefined) return [];
      if (field.file()) value = String(files.push(field.file()) - 1);
      const { type, name } = field.option;
      return [field === focused ? { type, name, value, focused: true } : { type, name, value }];
    });
    const attachments = files.map((file, index) => ({ id: String(index), filename: file.name }));
    return this.app.commands.data(this.entry, options, attachments);
  }

  async send() {
    const wrong = this.fields.find((field) => field.invalid());
    for (const field of this.fields) field.element.classList.toggle("invalid", field === wrong);
    if (wrong) {
      this.error.textContent = `${wrong.option.name}: ${wrong.invalid()}`;
      wrong.focus();
      return;
    }
    const files = this.fields.map((field) => field.file()).filter(Boolean);
    const data = this.data();
    this.onEnd();
    await this.app.attempt(() => this.app.interactions.use(InteractionType.COMMAND, this.channel, data, { files }));
  }

  #add(option) {
    const field = optionField(this.app, this.channel, option, { panel: this.panel, form: this });
    this.fields.push(field);
    this.fieldset.append(field.element);
    return field;
  }

  /** The options that may be added. */
  #offer() {
    const used = new Set(this.fields.map((field) => field.option.name));
    const left = this.entry.options.filter((option) => !used.has(option.name));
    this.optional.replaceChildren(
      ...left.map((option) =>
        h(
          "button",
          {
            type: "button",
            class: "add-option",
            title: option.description,
            on: {
              click: () => {
                const field = this.#add(option);
                this.#offer();
                field.focus();
              },
            },
          },
          `+ ${option.name}`,
        ),
      ),
    );
  }

  #keydown(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      this.onEnd();
    } else if (event.key === "Backspace" && event.target.value === "") {
      this.#drop(event);
    }
  }

  /** Backspace in an empty field takes an optional one away, and the last of all the command. */
  #drop(event) {
    const field = this.fields.find((f) => f.input === event.target);
    if (!field) return;
    event.preventDefault();
    const before = this.fields[this.fields.indexOf(field) - 1];
    if (field.option.required) {
      if (!before) this.onEnd();
      return;
    }
    this.fields = this.fields.filter((f) => f !== field);
    field.element.remove();
    this.#offer();
    if (before) before.focus();
    else this.focus();
  }
}
