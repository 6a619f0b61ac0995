// Socket.IO alone, with the service's options: what its own part costs.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

/** Emits one message to each of the rooms that the sockets named when they connected. */
export interface BareQuestion {
  kind: 'emit';
  event: string;
  payload: unknown;
}

const http = createServer((_request, response) => response.end());
const server = new Server({
  serveClient: false,
  maxHttpBufferSize: 64 * 1024,
  pingInterval: 25_000,
  pingTimeout: 20_000,
});
const rooms: string[] = [];

server.on('connection', (socket) => {
  const { token } = socket.handshake.auth as { token: string };
  rooms.push(token);
  void socket.join(token);
  socket.on('echo', (payload: unknown, answer: (payload: unknown) => void) => answer(payload));
});
server.attach(http);
http.listen(Number(process.env['PORT']), '127.0.0.1');

process.on('message', (question: { kind: string } | BareQuestion) => {
  if (question.kind !== 'emit') return;
  const { event, payload } = question as BareQuestion;
  for (const room of rooms) server.to(room).emit(event, payload);
  process.send!({ emitted: rooms.length });
});
process.once('SIGTERM', () => process.exit());
