import type { Acknowledgement, SendMessage, SendReceipt, SentMessage } from '../src/contract/events.js';
import type { Problem } from '../src/contract/errors.js';
import type { Clock, Http, Socket } from './ports.js';

/** An answer of the service that says no. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

/** Nothing came back that the service has said, so that nobody knows what became of the request. */
export class Unanswered extends Error {}

/** Longest wait for an answer, in milliseconds. */
const patience = 30_000;

/** Asks the service, over the socket or over HTTP. Everything rejects with Refused or Unanswered. */
export class Api {
  private readonly reading = new Set<(error: Error) => void>();

  constructor(
    private readonly http: Http,
    private readonly socket: Socket,
    private readonly clock: Clock,
  ) {}

  /** Reads something. Rejects when the connection is lost meanwhile, for the answer may never come. */
  get<Answer>(path: string): Promise<Answer> {
    return this.within(this.request('GET', path), this.reading) as Promise<Answer>;
  }

  /** Every page of a list. */
  async *pages<Page extends { nextCursor: string | null }>(path: string): AsyncGenerator<Page> {
    // A cursor carries everything else.
    const limit = /[?&](limit=\d+)/.exec(path)?.[1];
    const cursor = `${path.split('?')[0]}?${limit ? `${limit}&` : ''}cursor=`;
    for (let next: string | null = path; next;) {
      const page: Page = await this.get<Page>(next);
      yield page;
      next = page.nextCursor && `${cursor}${encodeURIComponent(page.nextCursor)}`;
    }
  }

  delete(path: string): Promise<unknown> {
    return this.within(this.request('DELETE', path));
  }

  sendMessage({ conversationId, ...content }: SendMessage): Promise<SentMessage> {
    if (this.socket.connected) return this.emit<SentMessage>('message.send', { conversationId, ...content });
    const path = `/api/conversations/${conversationId}/messages`;
    return this.within(this.request('POST', path, content)) as Promise<SentMessage>;
  }

  async sendReceipt({ conversationId, ...receipt }: SendReceipt): Promise<void> {
    if (this.socket.connected) await this.emit('receipt.send', { conversationId, ...receipt });
    else await this.within(this.request('PUT', `/api/conversations/${conversationId}/receipt`, receipt));
  }

  /** Aborts the read in progress. */
  abandon(): void {
    for (const give of this.reading) give(new Unanswered('the connection was lost'));
  }

  private async emit<Data>(event: string, payload: unknown): Promise<Data> {
    const answer = (await this.within(this.socket.emitWithAck(event, payload))) as Acknowledgement<Data>;
    if ('error' in answer) throw new Refused(answer.error);
    return answer.data;
  }

  private async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await this.http(path, { method, headers, ...sent });
    const text = await answer.text();
    if (answer.status >= 200 && answer.status < 300) return text ? (JSON.parse(text) as unknown) : undefined;
    throw problemIn(text);
  }

  private within<Answer>(asked: Promise<Answer>, among = new Set<(error: Error) => void>()): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.clock.clearTimeout(timer);
        among.delete(give);
      };
      const give = (error: Error) => {
        end();
        reject(error);
      };
      const timer = this.clock.setTimeout(() => give(new Unanswered('no answer in time')), patience);
      among.add(give);
      asked.then(
        (answer) => {
          end();
          resolve(answer);
        },
        (error: unknown) => give(error instanceof Refused ? error : new Unanswered(String(error))),
      );
    });
  }
}

/** A proxy's page of errors is no answer of the service. */
function problemIn(text: string): Error {
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    if (typeof problem.code === 'string') return new Refused(problem as Problem);
  } catch {
    // It is no JSON.
  }
  return new Unanswered('this is no answer of the service');
}
