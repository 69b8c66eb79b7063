// Using an application: commands, components, autocompletion and modals, and what came of them.

export const InteractionType = { COMMAND: 2, COMPONENT: 3, AUTOCOMPLETE: 4, MODAL: 5 };

export class Interactions {
  constructor(rest, gateway) {
    this.rest = rest;
    this.gateway = gateway;
    this.waiting = new Map(); // nonce -> {type, resolve, reject}
    this.onModal = () => {};
  }

  /**
   * Use something in a channel; `extra` goes beside `data`, `files` along with it. Answers the
   * choices of an autocompletion. Throws when it was refused or the application stayed silent.
   */
  async use(type, channel, data, { extra = {}, files = [] } = {}) {
    const nonce = String(Date.now() * 4096 + Math.floor(Math.random() * 4096));
    const outcome = new Promise((resolve, reject) => this.waiting.set(nonce, { type, resolve, reject }));
    const body = {
      type,
      application_id: data.application_id,
      channel_id: channel.id,
      session_id: this.gateway.sessionId,
      nonce,
      data,
      ...extra,
    };
    if (channel.guild_id) body.guild_id = channel.guild_id;
    try {
      await this.rest.post("/interactions", body, files);
    } catch (error) {
      this.waiting.delete(nonce);
      throw error;
    }
    return outcome;
  }

  /** Press a button, or choose `values` in a select. */
  useComponent(channel, message, component, values) {
    const data = { component_type: component.type, custom_id: component.custom_id };
    if (values) data.values = values;
    const extra = { message_id: message.id, message_flags: message.flags };
    return this.use(InteractionType.COMPONENT, channel, data, { extra });
  }

  /** Take in a gateway event. */
  apply(name, data) {
    switch (name) {
      case "INTERACTION_SUCCESS":
        // The choices come as an event of their own, just after.
        if (this.waiting.get(data.nonce)?.type !== InteractionType.AUTOCOMPLETE) {
          this.#settle(data.nonce, "resolve");
        }
        break;
      case "INTERACTION_FAILURE":
        this.#settle(data.nonce, "reject", new Error("The application did not respond"));
        break;
      case "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE":
        this.#settle(data.nonce, "resolve", data.choices);
        break;
      case "INTERACTION_MODAL_CREATE":
        this.onModal(data);
        break;
    }
  }

  #settle(nonce, how, value) {
    this.waiting.get(nonce)?.[how](value);
    this.waiting.delete(nonce);
  }
}
