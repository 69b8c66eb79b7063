// The card of a person: name, roles, a way to write to them, and what apps can do with them.

import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { openPopover } from "./popover.js";

export async function openProfile(app, userId, anchor) {
  const { store, channel } = app;
  const guild = store.guildOf(channel);
  const user = store.users.get(userId);
  if (!user) return;
  const name = store.nameOf(userId, guild);
  const roles = (guild?.members.get(userId)?.roles ?? []).map((id) => guild.roles.get(id)).filter(Boolean);
  const commands = await app.commands.contextual(channel, 2);
  const mine = userId === store.botId && (await app.commands.isMine());
  const act = (run) => () => {
    close();
    run();
  };
  const button = (label, run, kind = "secondary") =>
    h("button", { type: "button", class: `button ${kind}`, on: { click: act(run) } }, label);
  const card = h(
    "div",
    { class: "profile" },
    avatar(userId, name, { size: 72 }),
    h("h2", {}, name, user.bot && h("span", { class: "tag" }, "APP")),
    h("p", { class: "username" }, user.username),
    roles.length > 0 && h("ul", { class: "role-list", "aria-label": "Roles" }, roles.map((role) => h("li", {}, role.name))),
    h(
      "div",
      { class: "profile-actions" },
      userId !== store.me.id && button("Message", () => app.openDirectMessage(userId), "primary"),
      userId === store.botId &&
        button(mine ? "Remove from my account" : "Add to my account", () => app.commands.setMine(!mine)),
      commands.map((command) => button(command.name, () => app.commands.runOn(channel, command, userId))),
    ),
  );
  const close = openPopover(anchor, card, { label: `Profile of ${name}` });
}
