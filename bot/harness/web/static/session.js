// Who the visitor is: one of the server's people, chosen by ?as=name (the first one unless given).

/** The people, the bot's id and who the visitor is; each person has id, name, token and role. */
export async function loadSession() {
  const response = await fetch("/web/session");
  if (!response.ok) throw new Error(await response.text());
  const told = await response.json();
  const wanted = new URLSearchParams(location.search).get("as");
  const person = told.users.find((user) => user.name === wanted) ?? told.users[0];
  if (!person) throw new Error("There is nobody here that one could be.");
  return { people: told.users, botId: told.bot_user_id, person };
}

/** Become someone else, in the place where one is. */
export function become(name) {
  const url = new URL(location.href);
  url.searchParams.set("as", name);
  location.assign(url);
}
