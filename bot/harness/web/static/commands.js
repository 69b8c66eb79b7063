// The application's commands: which there are here, and running them.

import { InteractionType } from "./interactions.js";
import { guildPermissions } from "./permissions.js";

const CHAT_INPUT = 1;
const FRESH_MS = 3000;
const NESTED = new Set([1, 2]); // subcommand, group

export class Commands {
  constructor(app) {
    this.app = app;
    this.known = new Map(); // place -> {at, index}: as one types the same is asked for many times
  }

  /** The slash commands of a channel: {name, description, command, path, options}, by full name. */
  async slash(channel) {
    const all = await this.#offered(channel);
    const found = all.filter((c) => (c.type ?? CHAT_INPUT) === CHAT_INPUT).flatMap((c) => leaves(c, c, []));
    return found.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** The commands for a user (`type` 2) or a message (3). */
  async contextual(channel, type) {
    return (await this.#offered(channel)).filter((c) => c.type === type);
  }

  /** Use a contextual command on a user or a message. */
  runOn(channel, command, targetId) {
    const data = { ...identity(command), target_id: targetId, options: [], attachments: [] };
    return this.app.attempt(() => this.app.interactions.use(InteractionType.COMMAND, channel, data));
  }

  /** Whether one has the application on one's account, for use wherever one is. */
  async isMine() {
    const known = await this.app.attempt(() => this.app.rest.get("/oauth2/tokens"));
    return Boolean(known?.length);
  }

  async setMine(wanted) {
    const id = this.app.store.botId; // which is the application's, too
    const path = `/oauth2/authorize?client_id=${id}&integration_type=1&scope=applications.commands`;
    await this.app.attempt(() =>
      wanted ? this.app.rest.post(path, { authorize: true }) : this.app.rest.delete(`/oauth2/tokens/${id}`),
    );
    this.known.clear();
  }

  /** The data of a slash command with `options`: {type, name, value, focused?}. */
  data(entry, options, attachments = []) {
    const nested = entry.path.reduceRight(
      (inner, step) => [{ type: step.type, name: step.name, options: inner }],
      options,
    );
    return { ...identity(entry.command), options: nested, attachments };
  }

  async #offered(channel) {
    const place = `channels/${channel.id}`;
    let known = this.known.get(place);
    if (!known || Date.now() - known.at > FRESH_MS) {
      const index = this.app.attempt(() => this.app.rest.get(`/${place}/application-command-index`));
      known = { at: Date.now(), index };
      this.known.set(place, known);
    }
    const index = await known.index;
    return (index?.application_commands ?? []).filter((c) => this.#allowed(c, channel));
  }

  #allowed(command, channel) {
    const guild = this.app.store.guildOf(channel);
    if (!guild) return true;
    if (command.default_member_permissions === null || command.default_member_permissions === undefined) return true;
    // "0" is for administrators, who have everything.
    const needed = BigInt(command.default_member_permissions) || (1n << 64n) - 1n;
    return (guildPermissions(guild, this.app.store.me.id) & needed) === needed;
  }
}

function identity(command) {
  const { id, application_id, version, name, type, guild_id: guildId } = command;
  const data = { id, application_id, version, name, type };
  if (guildId) data.guild_id = guildId;
  return data;
}

function leaves(command, here, path) {
  const options = here.options ?? [];
  const inner = options.filter((o) => NESTED.has(o.type));
  if (inner.length) return inner.flatMap((o) => leaves(command, o, [...path, o]));
  const name = [command, ...path].map((step) => step.name).join(" ");
  return [{ name, description: here.description, command, path, options }];
}
