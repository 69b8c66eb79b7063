// Discord's REST interface with a person's token.

const BASE = "/api/v10";
const TRIES = 5;

/** What the server refused: HTTP `status`, Discord's `code`, and a sentence for people. */
export class Refused extends Error {
  constructor(status, body) {
    super(sentence(body) ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body?.code ?? 0;
  }
}

export class Rest {
  constructor(token) {
    this.token = token;
  }

  get(path) {
    return this.request("GET", path);
  }

  post(path, body, files) {
    return this.request("POST", path, body, files);
  }

  patch(path, body) {
    return this.request("PATCH", path, body);
  }

  put(path) {
    return this.request("PUT", path);
  }

  delete(path) {
    return this.request("DELETE", path);
  }

  /** The JSON answer, or null for an empty one. `files` go along as a form. Throws Refused. */
  async request(method, path, body, files = []) {
    const init = { method, headers: { Authorization: this.token } };
    if (files.length) {
      init.body = form(body, files);
    } else if (body !== undefined) {
      init.headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(BASE + path, init);
      const text = await response.text();
      const answer = text ? parsed(text) : null;
      if (response.ok) return answer;
      if (response.status !== 429 || attempt === TRIES) throw new Refused(response.status, answer);
      await pause((answer?.retry_after ?? 1) * 1000);
    }
  }
}

function form(body, files) {
  const data = new FormData();
  data.append("payload_json", JSON.stringify(body));
  files.forEach((file, index) => data.append(`files[${index}]`, file, file.name));
  return data;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The first of the nested messages of an invalid form, or the message itself. */
function sentence(body) {
  const pending = body?.errors ? [body.errors] : [];
  while (pending.length) {
    const here = pending.shift();
    if (Array.isArray(here._errors) && here._errors[0]?.message) return here._errors[0].message;
    pending.push(...Object.values(here).filter((v) => v && typeof v === "object"));
  }
  return body?.message;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
