// Who is here: the members who see the open channel.

import { avatar } from "./avatar.js";
import { $, h, icon } from "./dom.js";
import { CROWN } from "./icons.js";
import { Permission, guildPermissions } from "./permissions.js";

export class Members {
  constructor(app) {
    this.app = app;
    app.store.on("members", (guildId) => guildId === app.channel?.guild_id && this.draw());
  }

  draw() {
    const { store, channel } = this.app;
    if (!channel) return;
    const guild = store.guildOf(channel);
    const groups = new Map();
    for (const member of store.membersOf(channel)) {
      const name = this.#groupOf(member, guild);
      groups.set(name, [...(groups.get(name) ?? []), member]);
    }
    const rank = (name) => (name === "Apps" ? 2 : name === "Members" ? 1 : 0);
    const named = [...groups].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
    $("members").replaceChildren(
      ...named.map(([name, members]) =>
        h(
          "section",
          {},
          h("h3", {}, `${name} — ${members.length}`),
          h("ul", {}, this.#sorted(members, guild).map((m) => h("li", {}, this.#entry(m, guild)))),
        ),
      ),
    );
  }

  #groupOf(member, guild) {
    if (member.user.bot) return "Apps";
    const roles = member.roles.map((id) => guild?.roles.get(id)).filter((role) => role?.hoist);
    roles.sort((a, b) => b.position - a.position);
    return roles[0]?.name ?? "Members";
  }

  #sorted(members, guild) {
    const name = (m) => this.app.store.nameOf(m.user.id, guild);
    return [...members].sort((a, b) => name(a).localeCompare(name(b)));
  }

  #entry({ user }, guild) {
    const name = this.app.store.nameOf(user.id, guild);
    const admin = guild && (guildPermissions(guild, user.id) & Permission.MANAGE_GUILD) !== 0n;
    return h(
      "button",
      { type: "button", class: "member", data: { user: user.id }, on: { click: (e) => this.app.showProfile(user.id, e.currentTarget) } },
      avatar(user.id, name, { size: 32 }),
      h("span", { class: "member-name" }, name),
      user.bot && h("span", { class: "tag" }, "APP"),
      admin && !user.bot && h("span", { class: "crown", title: "Administrator" }, icon(CROWN), h("span", { class: "sr-only" }, "Administrator")),
    );
  }
}
