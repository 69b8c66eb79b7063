// A field for one option of a slash command, with suggestions where its values are known.

import { freshId, h } from "./dom.js";
import { InteractionType } from "./interactions.js";
import { channels, people, roles } from "./select.js";
import { Suggestions } from "./suggestions.js";

const OptionType = {
  STRING: 3, INTEGER: 4, BOOLEAN: 5, USER: 6, CHANNEL: 7, ROLE: 8, MENTIONABLE: 9, NUMBER: 10, ATTACHMENT: 11,
};
const MOST = 25;

/**
 * The field of an option: {element, focus, value, file, invalid}. `value()` answers what to send, or
 * undefined for nothing; `invalid()` a sentence about what is wrong, or null.
 */
export function optionField(app, channel, option, { panel, form }) {
  const id = freshId("option");
  const hint = freshId("hint");
  let chosen = null; // {label, value} of a suggestion that was taken
  const input = option.type === OptionType.ATTACHMENT
    ? h("input", { id, type: "file" })
    : h("input", {
        id,
        type: "text",
        autocomplete: "off",
        inputMode: [OptionType.INTEGER, OptionType.NUMBER].includes(option.type) ? "decimal" : null,
        maxLength: option.max_length ?? 6000,
        "aria-describedby": hint,
        "aria-required": String(Boolean(option.required)),
        size: 8,
      });
  input.addEventListener("input", () => {
    if (chosen && input.value !== chosen.label) chosen = null;
    element.classList.remove("invalid");
  });

  if (isSuggested(option)) {
    const suggestions = new Suggestions(input, panel, {
      query: () => suggested(input.value),
      pick: (item) => {
        chosen = item;
        input.value = item.label;
        form.next(field);
      },
    });
    input.addEventListener("focus", () => suggestions.refresh());
  }

  const element = h(
    "div",
    { class: "option-field", data: { option: option.name } },
    h("label", { htmlFor: id }, option.name),
    input,
    h("span", { class: "sr-only", id: hint }, option.description),
  );
  const field = { option, element, focus: () => input.focus(), value, file: () => input.files?.[0] ?? null, invalid, input };
  return field;

  async function suggested(typed) {
    const title = `${option.name}: ${option.description ?? ""}`;
    if (option.autocomplete) {
      try {
        const found = await app.interactions.use(InteractionType.AUTOCOMPLETE, channel, form.data(field));
        return { title, items: found.map((c) => ({ label: c.name, value: c.value })) };
      } catch (error) {
        return { title, items: [], note: `Loading options failed: ${error.message}` };
      }
    }
    // What was chosen before must not hide the other choices.
    const wanted = chosen ? "" : typed.toLowerCase();
    const items = choicesOf(app, channel, option).filter((c) => c.label.toLowerCase().includes(wanted));
    return { title, items: items.slice(0, MOST) };
  }

  function value() {
    if (option.type === OptionType.ATTACHMENT) return input.files?.length ? "file" : undefined;
    const typed = input.value.trim();
    if (chosen) return chosen.value;
    if (!typed) return undefined;
    if (option.autocomplete || !isSuggested(option)) return literal(typed);
    const same = (c) => c.label.replace(/^[@#]/, "").toLowerCase() === typed.replace(/^[@#]/, "").toLowerCase();
    return choicesOf(app, channel, option).find(same)?.value ?? typed;
  }

  function literal(typed) {
    const number = Number(typed);
    const wantsNumber = option.type === OptionType.INTEGER || option.type === OptionType.NUMBER;
    return wantsNumber && Number.isFinite(number) ? number : typed;
  }

  function invalid() {
    const given = value();
    if (given === undefined) return option.required ? "This option is required." : null;
    if (option.type === OptionType.INTEGER && !Number.isInteger(given)) return "This has to be a whole number.";
    if (option.type === OptionType.NUMBER && typeof given !== "number") return "This has to be a number.";
    if (option.min_value !== undefined && given < option.min_value) return `At least ${option.min_value}.`;
    if (option.max_value !== undefined && given > option.max_value) return `At most ${option.max_value}.`;
    if (option.min_length && String(given).length < option.min_length) return `At least ${option.min_length} characters.`;
    if (isSuggested(option) && !option.autocomplete && !choicesOf(app, channel, option).some((c) => c.value === given)) {
      return "Choose one of the options.";
    }
    return null;
  }
}

function isSuggested({ type, choices, autocomplete }) {
  const { BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE } = OptionType;
  return Boolean(autocomplete || choices?.length || [BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE].includes(type));
}

function choicesOf(app, channel, option) {
  if (option.choices?.length) return option.choices.map((c) => ({ label: c.name, value: c.value }));
  switch (option.type) {
    case OptionType.BOOLEAN:
      return [{ label: "True", value: true }, { label: "False", value: false }];
    case OptionType.USER:
      return people(app, channel);
    case OptionType.ROLE:
      return roles(app, channel);
    case OptionType.MENTIONABLE:
      return [...people(app, channel), ...roles(app, channel)];
    case OptionType.CHANNEL:
      return channels(app, channel, option.channel_types);
    default:
      return [];
  }
}
