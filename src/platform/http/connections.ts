import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { limits } from '../../contract/limits.js';
import { networkOf } from './networks.js';

/**
 * Bounds the connections of a network that have had no answer yet, and how long one may take to ask: who sends nothing, or
 * half a request, holds no more than that. Behind a proxy all connections are the proxy's, which bounds those of clients.
 */
export function boundConnections(server: HttpServer, trustProxy: string | undefined): void {
  server.headersTimeout = limits.admissionSeconds * 1000;
  server.requestTimeout = limits.requestSeconds * 1000;
  if (trustProxy) return;
  const unanswered = new Map<string, number>();
  const networks = new WeakMap<Socket, string>();

  function comes(socket: Socket): void {
    const network = networkOf(socket.remoteAddress);
    const others = unanswered.get(network) ?? 0;
    if (others >= limits.connectionsUnanswered) return void socket.destroy();
    unanswered.set(network, others + 1);
    networks.set(socket, network);
    socket.once('close', () => isAnswered(socket));
  }

  function isAnswered(socket: Socket): void {
    const network = networks.get(socket);
    if (network === undefined) return;
    networks.delete(socket);
    const left = unanswered.get(network)! - 1;
    if (left > 0) unanswered.set(network, left);
    else unanswered.delete(network);
  }

  server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', comes);
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (networks.has(socket)) response.once('finish', () => isAnswered(socket));
  });
  server.on('upgrade', ({ socket }: IncomingMessage) => isAnswered(socket));
}
