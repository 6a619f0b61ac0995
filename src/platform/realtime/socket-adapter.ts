import type { INestApplicationContext, WsMessageHandler } from '@nestjs/common';
import { AbstractWsAdapter } from '@nestjs/websockets';
import { v7 as uuid } from 'uuid';
import { limits } from '../../contract/limits.js';
import { DomainError } from '../problems/domain-error.js';
import { toProblem } from '../problems/problems.js';
import { requirePlainShape } from '../validation/shape.js';
import { type DeviceSocket, Realtime } from './realtime.js';

type Done = (answer: unknown) => void;
type Handler = (data: unknown, done: Done) => Promise<unknown>;

/**
 * Hands the gateways the one Socket.IO server of {@link Realtime}, and gives each socket one dispatcher instead of a
 * subscription per event, which costs a connection less memory.
 */
export class SocketAdapter extends AbstractWsAdapter {
  private readonly handlers = new WeakMap<DeviceSocket, Map<string, Handler>>();
  private readonly realtime: Realtime;

  constructor(app: INestApplicationContext) {
    super(app);
    this.realtime = app.get(Realtime);
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
    // Without an acknowledgement a client could not know whether its event counted, so it does not.
    if (typeof acknowledge !== 'function') return;
    const handler = handlers.get(event);
    if (!handler) {
      const detail = `There is no event of this name; this service knows ${[...handlers.keys()].join(', ')}.`;
      return acknowledge({ error: toProblem(new DomainError('unknown_event', { detail }), uuid()) });
    }
    const finished = this.realtime.began(socket);
    if (!finished) return acknowledge({ error: toProblem(new DomainError('unauthenticated'), uuid()) });
    socket.data.underWay = (socket.data.underWay ?? 0) + 1;
    socket.data.usedAt = Date.now();
    try {
      if (socket.data.underWay > limits.socketEventsUnderWay) throw tooMany();
      requirePlainShape(values[0]);
      // An error of the handler is acknowledged by the gateway's ProblemFilter, and then there is no result.
      const result = await handler(values.length > 1 ? values[0] : undefined, acknowledge);
      if (result !== undefined) acknowledge({ data: result });
    } catch (error) {
      acknowledge({ error: toProblem(error, uuid()) });
    } finally {
      socket.data.underWay--;
      finished();
    }
  }

  /** {@link Realtime} closes its server itself, after the events under way. */
  override async close(): Promise<void> {}
}

function tooMany(): DomainError {
  const detail = `At most ${limits.socketEventsUnderWay} events of a socket can be under way; wait for acknowledgements.`;
  return new DomainError('rate_limited', { detail, retryAfter: 1 });
}
