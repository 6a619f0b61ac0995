import type { INestApplicationContext, WsMessageHandler } from '@nestjs/common';
import { AbstractWsAdapter } from '@nestjs/websockets';
import { v7 as uuid } from 'uuid';
import type { Problem } from '../../contract/errors.js';
import { limits } from '../../contract/limits.js';
import { Log } from '../log.js';
import { DomainError } from '../problems/domain-error.js';
import { toProblem } from '../problems/problems.js';
import { RateLimits } from '../rate-limits.js';
import { requirePlainShape } from '../validation/shape.js';
import { type DeviceSocket, Realtime } from './realtime.js';

type Done = (answer: { data?: unknown; error?: Problem }) => void;
type Handler = (data: unknown, done: Done) => Promise<unknown>;

/**
 * Hands the gateways the one Socket.IO server of {@link Realtime}, and gives each socket one dispatcher instead of a
 * subscription per event, which costs a connection less memory.
 */
export class SocketAdapter extends AbstractWsAdapter {
  private readonly handlers = new WeakMap<DeviceSocket, Map<string, Handler>>();
  private readonly rateLimits: RateLimits;
  private readonly realtime: Realtime;
  private readonly log: Log;

  constructor(app: INestApplicationContext) {
    super(app);
    this.rateLimits = app.get(RateLimits);
    this.realtime = app.get(Realtime);
    this.log = app.get(Log);
  }

  create(): Realtime['server'] {
    return this.realtime.server;
  }

  bindMessageHandlers(socket: DeviceSocket, handlers: WsMessageHandler[]): void {
    let bound = this.handlers.get(socket);
    if (!bound) {
      const own = (bound = new Map<string, Handler>());
      this.handlers.set(socket, own);
      socket.onAny((event: string, ...values: unknown[]) => void this.dispatch(socket, own, event, values));
    }
    for (const { message, callback } of handlers) bound.set(message, callback as Handler);
  }

  private async dispatch(
    socket: DeviceSocket,
    handlers: Map<string, Handler>,
    event: string,
    values: unknown[],
  ): Promise<void> {
    const acknowledge = values.at(-1) as Done | undefined;
    // Without an acknowledgement a client could not learn the outcome, so the event is ignored, but still counts.
    if (typeof acknowledge !== 'function')
      return void this.rateLimits.countEvent(event, socket.data.admission).catch(() => {});
    let answered = false;
    const answer: Done = (told) => {
      if (!answered) acknowledge(told);
      answered = true;
    };
    const finished = this.realtime.began(socket);
    if (!finished) return answer({ error: toProblem(new DomainError('unauthenticated'), uuid()) });
    socket.data.underWay = (socket.data.underWay ?? 0) + 1;
    socket.data.usedAt = Date.now();
    try {
      if (socket.data.underWay > limits.socketEventsUnderWay) throw tooMany();
      // Before the event is read.
      await this.rateLimits.countEvent(event, socket.data.admission);
      const handler = handlers.get(event);
      if (!handler) throw unknownEvent(handlers);
      requirePlainShape(values[0]);
      // An error of the handler is acknowledged by the gateway's ProblemFilter, and then there is no result.
      const result = await handler(values.length > 1 ? values[0] : undefined, answer);
      answer({ data: result ?? null });
    } catch (error) {
      if (!(error instanceof DomainError)) this.log.failure(error);
      answer({ error: toProblem(error, uuid()) });
    } finally {
      socket.data.underWay--;
      finished();
    }
  }

  /** {@link Realtime} closes its server itself, after the events under way. */
  override async close(): Promise<void> {}
}

function unknownEvent(handlers: Map<string, Handler>): DomainError {
  const detail = `No event has this name. The events are ${[...handlers.keys()].join(', ')}.`;
  return new DomainError('unknown_event', { detail });
}

function tooMany(): DomainError {
  const detail = `A socket can have at most ${limits.socketEventsUnderWay} events in progress. Wait for acknowledgements.`;
  return new DomainError('rate_limited', { detail, retryAfter: 1 });
}
