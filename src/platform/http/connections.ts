import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { limits } from '../../contract/limits.js';
import { networkOf } from './networks.js';

const checkingMilliseconds = 5_000;
const keepAliveMilliseconds = 75_000;

/** The HTTP connections of one network. */
interface Connections {
  open: number;
  /** They have had no answer yet. */
  unanswered: number;
  /** Nothing is under way on them since an answer; the one that has been idle for longest comes first. */
  idle: Set<Socket>;
}

interface Connection {
  network: string;
  answered: boolean;
  /** Requests without an answer. */
  underWay: number;
}

/**
 * Bounds the connections of a network, fewer of them while they have had no answer, and how long one may take to ask: who
 * sends nothing, or half a request, holds no more than that. WebSockets are bounded by the sessions they are for. Behind a
 * proxy all connections are the proxy's, which bounds those of clients.
 */
export function boundConnections(server: HttpServer, trustProxy: string | undefined): void {
  server.headersTimeout = limits.admissionSeconds * 1000;
  server.requestTimeout = limits.requestSeconds * 1000;
  // An answer that is never read would be held until its session ends. WebSockets have pings for that.
  server.timeout = limits.stalledSeconds * 1000;
  // Longer than proxies keep theirs: one that is closed while a request is on its way answers with an error.
  server.keepAliveTimeout = keepAliveMilliseconds;
  // Node looks for those that took too long every half a minute.
  (server as unknown as { connectionsCheckingInterval: number }).connectionsCheckingInterval = checkingMilliseconds;
  if (trustProxy) return;
  const connections = new NetworkConnections();
  server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', connections.comes);
  server.on('request', connections.asks);
  server.on('upgrade', ({ socket }: IncomingMessage) => connections.leaves(socket));
}

class NetworkConnections {
  private readonly networks = new Map<string, Connections>();
  private readonly known = new WeakMap<Socket, Connection>();

  readonly comes = (socket: Socket): void => {
    const network = networkOf(socket.remoteAddress);
    const all = this.networks.get(network) ?? { open: 0, unanswered: 0, idle: new Set() };
    if (all.unanswered >= limits.connectionsUnanswered) return void socket.destroy();
    if (all.open >= limits.connectionsPerNetwork) {
      const [longestIdle] = all.idle;
      if (!longestIdle) return void socket.destroy();
      this.leaves(longestIdle);
      longestIdle.destroy();
    }
    all.open++;
    all.unanswered++;
    this.networks.set(network, all);
    this.known.set(socket, { network, answered: false, underWay: 0 });
    socket.once('close', () => this.leaves(socket));
  };

  readonly asks = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const connection = this.known.get(socket);
    if (!connection) return;
    connection.underWay++;
    this.networks.get(connection.network)!.idle.delete(socket);
    response.once('close', () => this.isAnswered(socket, response.writableFinished));
  };

  private isAnswered(socket: Socket, wholly: boolean): void {
    const connection = this.known.get(socket);
    if (!connection) return;
    const all = this.networks.get(connection.network)!;
    connection.underWay--;
    if (wholly && !connection.answered) {
      connection.answered = true;
      all.unanswered--;
    }
    if (connection.underWay === 0 && connection.answered) all.idle.add(socket);
  }

  leaves(socket: Socket): void {
    const connection = this.known.get(socket);
    if (!connection) return;
    this.known.delete(socket);
    const all = this.networks.get(connection.network)!;
    all.idle.delete(socket);
    all.open--;
    if (!connection.answered) all.unanswered--;
    if (all.open === 0) this.networks.delete(connection.network);
  }
}
