// The fields of a modal, each by the type of its component.

import { freshId, h } from "./dom.js";
import { selectControl } from "./select.js";

const Type = { TEXT_INPUT: 4, FILES: 19, RADIO: 21, CHECKBOXES: 22, CHECKBOX: 23 };
const SELECTS = new Set([3, 5, 6, 7, 8]);
const PARAGRAPH = 2;

/**
 * A field: {component, required, element, id, labelId, hintId, focus, filled, invalid}. `filled(files)`
 * answers what to submit and puts chosen files into the list; `invalid()` a sentence or null.
 */
export function modalField(app, component, channel) {
  const ids = { id: freshId("field"), labelId: freshId("label"), hintId: freshId("hint") };
  const made = make(app, component, channel, ids);
  const required = component.type !== Type.CHECKBOX && (component.required ?? true);
  return {
    ...ids,
    component,
    required,
    focus: () => made.element.focus(),
    invalid: () => (required && made.empty() ? "Fill in what is marked with a star." : (made.problem?.() ?? null)),
    ...made,
  };
}

function make(app, component, channel, ids) {
  if (component.type === Type.TEXT_INPUT) return textInput(component, ids);
  if (component.type === Type.FILES) return fileInput(component, ids);
  if (component.type === Type.CHECKBOX) return checkbox(component, ids);
  if (component.type === Type.RADIO || component.type === Type.CHECKBOXES) return group(component, ids);
  if (SELECTS.has(component.type)) {
    const element = selectControl(app, component, channel, { labelledBy: ids.labelId });
    element.id = ids.id;
    const empty = () => !element.values().length;
    return { element, empty, filled: () => ({ values: element.values() }) };
  }
  return { element: h("p", { class: "unsupported" }, "This field can not be shown here."), empty: () => false, filled: () => ({}) };
}

function textInput(component, { id, hintId }) {
  const properties = {
    id,
    value: component.value ?? "",
    placeholder: component.placeholder ?? "",
    maxLength: component.max_length ?? 4000,
    "aria-describedby": hintId,
    "aria-required": String(component.required ?? true),
    autocomplete: "off",
    data: { component: component.custom_id },
  };
  const element = component.style === PARAGRAPH
    ? h("textarea", { ...properties, rows: 4 })
    : h("input", { ...properties, type: "text" });
  const least = component.min_length ?? 0;
  const short = () => element.value && element.value.length < least;
  return {
    element,
    empty: () => !element.value.trim(),
    problem: () => (short() ? `At least ${least} characters.` : null),
    filled: () => ({ value: element.value }),
  };
}

function fileInput(component, { id }) {
  const element = h("input", { id, type: "file", multiple: (component.max_values ?? 1) > 1 });
  const filled = (files) => ({ values: [...element.files].map((file) => String(files.push(file) - 1)) });
  return { element, empty: () => !element.files.length, filled };
}

function checkbox(component, { id }) {
  const element = h("input", { id, type: "checkbox", checked: Boolean(component.default) });
  return { element, empty: () => false, filled: () => ({ value: element.checked }) };
}

function group(component, { id, labelId }) {
  const single = component.type === Type.RADIO;
  const inputs = (component.options ?? []).map((option) =>
    h("input", { type: single ? "radio" : "checkbox", name: id, value: option.value, checked: Boolean(option.default) }),
  );
  const element = h(
    "div",
    { class: "choices", role: single ? "radiogroup" : "group", "aria-labelledby": labelId },
    inputs.map((input, i) => {
      const { label, description } = component.options[i];
      return h("label", {}, input, h("span", {}, label, description && h("small", {}, description)));
    }),
  );
  const values = () => inputs.filter((input) => input.checked).map((input) => input.value);
  const filled = () => (single ? { value: values()[0] ?? null } : { values: values() });
  return { element, empty: () => !values().length, filled, focus: () => inputs[0]?.focus() };
}
