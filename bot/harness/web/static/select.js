// Selects of messages and modals: strings, users, roles, mentionables and channels.

import { avatar } from "./avatar.js";
import { h, icon } from "./dom.js";
import { CHEVRON, HASH } from "./icons.js";
import { listbox } from "./listbox.js";
import { openPopover } from "./popover.js";

export const SelectType = { STRING: 3, USER: 5, ROLE: 6, MENTIONABLE: 7, CHANNEL: 8 };

/**
 * The control of a select component. `onCommit(values)` is told what was chosen once the list
 * closes with a choice that is allowed and new; `control.values()` answers it at any time.
 */
export function selectControl(app, component, channel, { onCommit = () => {}, labelledBy, disabled = false } = {}) {
  const least = component.min_values ?? 1;
  const most = component.max_values ?? 1;
  let chosen = new Set(initial(component));
  const face = h("span", { class: "select-face" });
  const control = h(
    "button",
    {
      type: "button",
      class: "select",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-labelledby": labelledBy,
      "aria-label": labelledBy ? null : component.placeholder || "Make a selection",
      disabled: disabled || component.disabled,
      data: { component: component.custom_id },
      on: { click: open },
    },
    face,
    icon(CHEVRON),
  );
  control.values = () => [...chosen];
  draw();
  return control;

  function draw() {
    const labels = optionsOf(app, component, channel).filter((o) => chosen.has(o.value)).map((o) => o.label);
    face.textContent = labels.join(", ") || component.placeholder || "Make a selection";
    face.classList.toggle("placeholder", !labels.length);
  }

  function open() {
    const before = new Set(chosen);
    const options = optionsOf(app, component, channel);
    const { element, focus } = listbox(options, {
      label: component.placeholder || "Options",
      chosen,
      most: Math.min(most, options.length),
      onPick: () => {
        draw();
        if (most === 1) close();
      },
    });
    const close = openPopover(control, element, {
      label: component.placeholder || "Options",
      focus,
      width: Math.max(220, control.offsetWidth),
      onClose: () => {
        const enough = chosen.size >= least && chosen.size <= most;
        if (!enough) chosen = before;
        draw();
        if (enough && !same(chosen, before)) onCommit([...chosen]);
      },
    });
  }
}

function initial(component) {
  if (component.type === SelectType.STRING) {
    return (component.options ?? []).filter((o) => o.default).map((o) => o.value);
  }
  return (component.default_values ?? []).map((d) => String(d.id));
}

/** What a select offers: its own strings, or the people, roles and channels of the place. */
export function optionsOf(app, component, channel) {
  const { STRING, USER, ROLE, MENTIONABLE, CHANNEL } = SelectType;
  switch (component.type) {
    case STRING:
      return (component.options ?? []).map((o) => ({
        value: o.value,
        label: o.label,
        detail: o.description,
        before: o.emoji?.name && h("span", { class: "option-emoji" }, o.emoji.id ? `:${o.emoji.name}:` : o.emoji.name),
      }));
    case USER:
      return people(app, channel);
    case ROLE:
      return roles(app, channel);
    case MENTIONABLE:
      return [...people(app, channel), ...roles(app, channel)];
    case CHANNEL:
      return channels(app, channel, component.channel_types);
    default:
      return [];
  }
}

export function people(app, channel) {
  const guild = app.store.guildOf(channel);
  return app.store.membersOf(channel).map(({ user }) => ({
    value: user.id,
    label: app.store.nameOf(user.id, guild),
    detail: user.username,
    before: avatar(user.id, app.store.nameOf(user.id, guild), { size: 24 }),
  }));
}

export function roles(app, channel) {
  const guild = app.store.guildOf(channel);
  return [...(guild?.roles.values() ?? [])].map((role) => ({
    value: role.id,
    label: role.id === guild.id ? "@everyone" : `@${role.name.replace(/^@/, "")}`,
    detail: "Role",
  }));
}

export function channels(app, channel, types) {
  const guild = app.store.guildOf(channel);
  if (!guild) return [];
  return app.store
    .channelsOf(guild)
    .filter((c) => !types?.length || types.includes(c.type))
    .map((c) => ({ value: c.id, label: c.name, before: icon(HASH) }));
}

function same(a, b) {
  return a.size === b.size && [...a].every((value) => b.has(value));
}
