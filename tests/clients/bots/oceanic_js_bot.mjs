// The bot of test_clients.py with oceanic.js. Arguments: REST address, gateway (unused), token.

import { ButtonStyles, Client, ComponentTypes, MessageFlags } from "oceanic.js";

const [rest, , token] = process.argv.slice(2);
const client = new Client({
  auth: `Bot ${token}`,
  gateway: { intents: ["GUILDS", "GUILD_MESSAGES", "MESSAGE_CONTENT"] },
  rest: { baseURL: rest },
});

client.once("ready", async () => {
  await client.application.bulkEditGlobalCommands([
    { type: 1, name: "ping", description: "Answers." },
  ]);
  console.log(`ready ${client.user.username} in ${client.guilds.toArray()[0].name}`);
});

client.on("messageCreate", async (message) => {
  if (message.content !== "hello") return;
  console.log(`saw ${message.author.username}: ${message.content}`);
  const reply = await message.reply(`hello, ${message.author.username}`);
  await reply.edit(`hello again, ${message.author.username}`);
  await message.createReaction("👋");
});

client.on("interactionCreate", async (interaction) => {
  if (interaction.isCommandInteraction()) {
    const again = {
      type: ComponentTypes.BUTTON,
      style: ButtonStyles.SECONDARY,
      label: "Again",
      customID: "again",
    };
    const components = [{ type: ComponentTypes.ACTION_ROW, components: [again] }];
    await interaction.createMessage({ content: "pong", components });
  } else if (interaction.isComponentInteraction()) {
    const content = `only for ${interaction.user.username}`;
    await interaction.createMessage({ content, flags: MessageFlags.EPHEMERAL });
  }
});

client.on("error", (error) => console.error(error));
process.once("SIGINT", () => client.disconnect(false));
await client.connect();
