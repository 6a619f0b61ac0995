import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { v7 as uuid } from 'uuid';
import type { DomainError } from '../problems/domain-error.js';
import { toProblem } from '../problems/problems.js';

/** Answers a request that Express does not see with a problem, and closes its connection. */
export function refuse(request: IncomingMessage, response: ServerResponse | undefined, error: DomainError): void {
  if (!response) return refuseRaw(request.socket, error);
  const { status, body, headers } = answerOf(error);
  response.writeHead(status, headers).end(body);
}

/** Does the same where there is no answer to write into: to a WebSocket, and to what is no request. */
export function refuseRaw(socket: Duplex, error: DomainError): void {
  const { status, body, headers } = answerOf(error);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  // Who does not take it is not waited for.
  socket.once('finish', () => socket.destroy());
}

function answerOf(error: DomainError): { status: number; headers: Record<string, string | number>; body: string } {
  const problem = toProblem(error, uuid());
  const body = JSON.stringify(problem);
  const headers = {
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...(problem.retryAfter !== undefined && { 'Retry-After': problem.retryAfter }),
    'Cache-Control': 'no-store',
    Connection: 'close',
  };
  return { status: problem.status, headers, body };
}
