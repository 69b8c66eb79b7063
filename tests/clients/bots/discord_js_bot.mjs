// The bot of test_clients.py with discord.js. Arguments: REST address, gateway (unused), token.

import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  Events,
  GatewayIntentBits,
  MessageFlags,
} from "discord.js";

const [rest, , token] = process.argv.slice(2);
const client = new Client({
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.MessageContent,
  ],
  rest: { api: rest.replace(/\/v10$/, ""), version: "10" },
});

client.once(Events.ClientReady, async () => {
  await client.application.commands.set([{ name: "ping", description: "Answers." }]);
  console.log(`ready ${client.user.username} in ${client.guilds.cache.first().name}`);
});

client.on(Events.MessageCreate, async (message) => {
  if (message.content !== "hello") return;
  console.log(`saw ${message.author.username}: ${message.content}`);
  const reply = await message.reply(`hello, ${message.author.username}`);
  await reply.edit(`hello again, ${message.author.username}`);
  await message.react("👋");
});

client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isChatInputCommand()) {
    const again = new ButtonBuilder()
      .setCustomId("again")
      .setLabel("Again")
      .setStyle(ButtonStyle.Secondary);
    const components = [new ActionRowBuilder().addComponents(again)];
    await interaction.reply({ content: "pong", components });
  } else if (interaction.isButton()) {
    const content = `only for ${interaction.user.username}`;
    await interaction.reply({ content, flags: MessageFlags.Ephemeral });
  }
});

process.once("SIGINT", () => client.destroy());
await client.login(token);
