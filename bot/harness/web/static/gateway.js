// The gateway: logs in, keeps the connection alive, resumes it, and passes the events on.

const Op = { DISPATCH: 0, HEARTBEAT: 1, IDENTIFY: 2, RESUME: 6, RECONNECT: 7, INVALID: 9, HELLO: 10, ACK: 11 };
const LOGGED_OUT = new Set([4004, 4010, 4011, 4012, 4013, 4014]);
const LONGEST_WAIT_MS = 10_000;

export class Gateway {
  /** `onEvent(name, data)` gets every event; `onState` "connecting", "ready" or "refused". */
  constructor(token, { onEvent, onState }) {
    this.token = token;
    this.onEvent = onEvent;
    this.onState = onState;
    this.sessionId = null;
    this.seq = null;
    this.failures = 0;
  }

  connect() {
    this.onState("connecting");
    const socket = new WebSocket(`ws://${location.host}/gateway?v=10&encoding=json`);
    this.socket = socket;
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(socket, event);
  }

  #receive(frame) {
    if (frame.s) this.seq = frame.s;
    switch (frame.op) {
      case Op.DISPATCH:
        if (frame.t === "READY") this.sessionId = frame.d.session_id;
        this.onEvent(frame.t, frame.d);
        if (frame.t === "READY" || frame.t === "RESUMED") {
          this.failures = 0;
          this.onState("ready");
        }
        break;
      case Op.HELLO:
        this.#keepAlive(frame.d.heartbeat_interval);
        this.#login();
        break;
      case Op.HEARTBEAT:
        this.#beat();
        break;
      case Op.ACK:
        this.acknowledged = true;
        break;
      case Op.INVALID:
        if (!frame.d) this.#forget();
        this.socket.close(4000);
        break;
      case Op.RECONNECT:
        this.socket.close(4000);
        break;
    }
  }

  #login() {
    const { token, sessionId, seq } = this;
    if (sessionId) this.#send(Op.RESUME, { token, session_id: sessionId, seq });
    else this.#send(Op.IDENTIFY, { token, properties: { os: "", browser: "page", device: "" } });
  }

  #keepAlive(period) {
    this.acknowledged = true;
    this.timer = setInterval(() => {
      if (this.acknowledged) this.#beat();
      else this.socket.close(4000);
    }, period);
  }

  #beat() {
    this.acknowledged = false;
    this.#send(Op.HEARTBEAT, this.seq);
  }

  #send(op, d) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ op, d }));
  }

  #closed(socket, event) {
    if (socket !== this.socket) return;
    clearInterval(this.timer);
    if (LOGGED_OUT.has(event.code)) {
      this.onState("refused");
      return;
    }
    this.onState("connecting");
    const wait = Math.min(LONGEST_WAIT_MS, 250 * 2 ** this.failures++);
    setTimeout(() => this.connect(), wait);
  }

  #forget() {
    this.sessionId = null;
    this.seq = null;
  }
}
