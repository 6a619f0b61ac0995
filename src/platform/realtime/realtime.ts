import type { Server as HttpServer } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { type DisconnectReason, Server, type Socket } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import { v7 as uuid } from 'uuid';
import type { ClientEvents, ServerEvents, Told, ToldEvent } from '../../contract/events.js';
import { limits } from '../../contract/limits.js';
import { type Config, CONFIG } from '../config.js';
import { Origins } from '../http/origins.js';
import { Log } from '../log.js';
import { DomainError } from '../problems/domain-error.js';
import { toProblem } from '../problems/problems.js';
import { defineLimit, RateLimits } from '../rate-limits.js';
import { SessionWork } from '../session-work.js';
import { UnderWay } from '../under-way.js';
import { closeAfterRefusal, Entrance } from './entrance.js';
import { requireKnownEngine } from './engine.js';
import { batchOutgoing, cutOff } from './outgoing.js';
import { Packets } from './packets.js';
import { type Room, rooms } from './rooms.js';

/** Session, account and party of an authenticated socket, as the doorkeeper found them. */
export interface Admission {
  sessionId: string;
  accountId: string;
  /** The room of the party whose events this socket hears. */
  room: Room;
  expiresAt: Date;
}

export interface Doorkeeper<Principal> {
  /** @throws DomainError `unauthenticated` */
  admit(handshake: Handshake): Promise<{ principal: Principal; admission: Admission }>;
  /** The expiry of a session, prolonged by its use; undefined if the session is gone. */
  expiryOf(sessionId: string, usedAt: Date | undefined): Promise<Date | undefined>;
}

export interface Handshake {
  token: unknown;
  cookie: string | undefined;
  /** The web app that asks, `dashboard` or `app`. */
  as: unknown;
  /** The network that the connection comes from. */
  network: string;
}

export interface SocketData {
  principal: unknown;
  admission: Admission;
  expiry?: NodeJS.Timeout;
  /** Events that wait for their acknowledgement. */
  underWay?: number;
  /** Time of its last event, in milliseconds; undefined before the first. */
  usedAt?: number;
}

export type DeviceSocket = Socket<ClientEvents, ServerEvents, Record<string, never>, SocketData>;

const admissionLimit = defineLimit('socket-admissions', {
  points: limits.admissionsPerMinute,
  seconds: 60,
  keyedById: true,
});

const longestTimer = 2 ** 31 - 1;
const flushMilliseconds = 1_000;

/** Owns the Socket.IO server: authenticates sockets, sends events to rooms, and cuts the sockets of ended sessions. */
@Injectable()
export class Realtime {
  readonly server: Server<ClientEvents, ServerEvents, Record<string, never>, SocketData>;
  private doorkeeper: Doorkeeper<unknown> | undefined;
  readonly entrance: Entrance;
  private readonly packets: Packets;
  private readonly events = new UnderWay();
  private closing = false;

  constructor(
    private readonly log: Log,
    private readonly work: SessionWork,
    private readonly rateLimits: RateLimits,
    origins: Origins,
    @Inject(CONFIG) { messagesPerMinute, trustProxy }: Config,
  ) {
    this.entrance = new Entrance(origins, trustProxy);
    this.packets = new Packets(messagesPerMinute, (connection) => this.entrance.wasCut(connection));
    this.server = new Server({
      serveClient: false,
      maxHttpBufferSize: limits.eventBytes,
      // Half-open connections are found within 45 s.
      pingInterval: 25_000,
      pingTimeout: 20_000,
      connectTimeout: limits.admissionSeconds * 1000,
      // CORS does not cover WebSocket, so the origin is checked here. Recovery of connection state stays off: it would
      // let a revoked session back in.
      allowRequest: this.entrance.allow,
      // Browsers send this preflight before a page of an allowed origin may poll.
      ...(origins.allowed.size > 0 && { cors: { origin: [...origins.allowed], credentials: false } }),
    });
  }

  /** Starts listening for sockets on the HTTP server; `doorkeeper` authenticates them. */
  open<Principal>(httpServer: HttpServer, doorkeeper: Doorkeeper<Principal>): void {
    this.doorkeeper = doorkeeper;
    this.server.use((socket, next) => void this.admit(socket, next));
    this.server.on('connection', (socket) => this.welcome(socket));
    this.server.attach(httpServer);
    requireKnownEngine();
    this.server.engine.on('connection', batchOutgoing);
    this.server.engine.on('connection', this.packets.watch);
    this.server.engine.on('connection', this.entrance.watch);
  }

  /**
   * Sends an event to every connected device in a room, or in any of several. An absent device learns of it at its next sync.
   */
  tell<Event extends ToldEvent>(room: Room | Room[], event: Event, payload: Told[Event]): void {
    if (!(Array.isArray(room) ? room : [room]).some((each) => this.mayHear(each))) return;
    this.server.to(room).emit(event, ...([payload] as Parameters<ServerEvents[Event]>));
  }

  /** False when no device is in a room. An adapter that spans several nodes cannot know, so it is true then. */
  mayHear(room: Room): boolean {
    const { adapter } = this.server.sockets;
    return adapter.constructor !== Adapter || adapter.rooms.has(room);
  }

  /** True while a socket of a session is connected. */
  isConnected(sessionId: string): boolean {
    return this.server.sockets.adapter.rooms.has(rooms.ofSession(sessionId));
  }

  /**
   * Cuts every socket of a session; if another device ended the session, first says so to sockets that are writable. Once this
   * resolves, the device gets no more data, not even data that was waiting for it, and none of its requests is in progress.
   * @param by the work that ends it, if a session has requested that: {@link SessionWork.end}
   */
  async cut(sessionId: string, { tell, by }: { tell: boolean; by: object | undefined }): Promise<void> {
    const worked = this.work.end(sessionId, by);
    const sockets = await this.server.in(rooms.ofSession(sessionId)).fetchSockets();
    // This server is the only one, so all sockets are its own.
    for (const socket of sockets as unknown as DeviceSocket[]) this.end(socket, { tell });
    await worked;
  }

  /** Closes the connections in these rooms; their clients reconnect and catch up. */
  interrupt(concerned: readonly Room[]): void {
    const { adapter } = this.server.sockets;
    const ids = new Set(concerned.flatMap((room) => [...(adapter.rooms.get(room) ?? [])]));
    for (const id of ids) this.server.sockets.sockets.get(id)?.conn.close();
  }

  /** Marks a client's event as in progress; call the returned function when it is done. Undefined if its session has ended. */
  began({ data }: DeviceSocket): (() => void) | undefined {
    const work = this.work.begin(data.admission.sessionId, () => {});
    if (!work) return undefined;
    const finished = this.events.begin();
    return () => {
      work.finished();
      work.left();
      finished();
    };
  }

  /** Waits until the events in progress are acknowledged. */
  drain(): Promise<void> {
    return this.events.end();
  }

  /**
   * Closes every connection after its pending data. Sockets are not told to disconnect, because a client would not reconnect
   * after that, as it does after losing its connection.
   */
  async close(): Promise<void> {
    this.closing = true;
    const connections = [...this.server.sockets.sockets.values()].map(({ conn }) => conn);
    const closed = connections.map((connection) => new Promise((resolve) => connection.once('close', resolve)));
    for (const connection of connections) connection.close();
    const patience = new Promise((resolve) => setTimeout(resolve, flushMilliseconds).unref());
    await Promise.race([Promise.all(closed), patience]);
    this.server.engine?.close();
  }

  private async admit(socket: DeviceSocket, next: (error?: Error) => void): Promise<void> {
    try {
      const { auth, headers, query } = socket.handshake;
      const { principal, admission } = await this.doorkeeper!.admit({
        token: auth['token'],
        cookie: headers.cookie,
        as: auth['as'] ?? query['as'],
        network: this.entrance.networkOfConnection(socket.conn),
      });
      socket.data.principal = principal;
      socket.data.admission = admission;
      await this.rateLimits.count(admissionLimit, admission.sessionId);
      // Joined before the client is told that it is connected; its sync finds everything earlier.
      const { sessionId, accountId, room } = admission;
      const own = this.server.sockets.adapter.rooms.get(rooms.ofSession(sessionId));
      if (own && own.size >= limits.socketsPerSession) {
        const detail = `A session can have at most ${limits.socketsPerSession} connections. Close one first.`;
        throw new DomainError('rate_limited', { detail, retryAfter: 60 });
      }
      await socket.join([rooms.ofSession(sessionId), rooms.ofAccount(accountId), room]);
      this.entrance.settled(socket.conn);
      this.packets.admitted(socket.conn, admission);
      next();
    } catch (error) {
      if (!(error instanceof DomainError)) {
        this.log.failure(error);
        this.entrance.settled(socket.conn);
      }
      const problem = toProblem(error, uuid());
      next(Object.assign(new Error(problem.code), { data: problem }));
      closeAfterRefusal(socket.conn);
    }
  }

  /** Runs in the same turn in which the socket starts to receive, so that no event can slip in between. */
  private welcome(socket: DeviceSocket): void {
    if (this.work.hasEnded(socket.data.admission.sessionId)) return this.end(socket, { tell: false });
    socket.once('disconnect', (reason) => this.left(socket, reason));
    this.watchExpiry(socket, socket.data.admission.expiresAt);
  }

  private end(socket: DeviceSocket, { tell }: { tell: boolean }): void {
    cutOff(socket.conn, () => {
      if (tell) socket.emit('session.ended', { id: socket.data.admission.sessionId });
      socket.disconnect();
    });
  }

  private left(socket: DeviceSocket, reason: DisconnectReason): void {
    clearTimeout(socket.data.expiry);
    // A logout no longer finds this socket, although its connection may still exist with waiting data. If this service has
    // disconnected it or is closing, it handles that itself.
    if (reason !== 'server namespace disconnect' && !this.closing) cutOff(socket.conn);
  }

  private watchExpiry(socket: DeviceSocket, expiresAt: Date | undefined): void {
    const left = expiresAt ? expiresAt.getTime() - Date.now() : 0;
    if (left <= 0) return this.end(socket, { tell: false });
    const look = () => void this.checkExpiry(socket);
    socket.data.expiry = setTimeout(look, Math.min(left, longestTimer)).unref();
  }

  /** Last use of a session by any of its sockets, so that an idle one does not end a session in use. */
  private lastUseOf(sessionId: string): Date | undefined {
    const { rooms: members } = this.server.sockets.adapter;
    const uses = [...(members.get(rooms.ofSession(sessionId)) ?? [])].flatMap(
      (id) => this.server.sockets.sockets.get(id)?.data.usedAt ?? [],
    );
    return uses.length > 0 ? new Date(Math.max(...uses)) : undefined;
  }

  /** A session may have been prolonged meanwhile by its use. */
  private async checkExpiry(socket: DeviceSocket): Promise<void> {
    try {
      const { sessionId } = socket.data.admission;
      const expiresAt = await this.doorkeeper!.expiryOf(sessionId, this.lastUseOf(sessionId));
      // Nothing would clear a timer set after the disconnection, and it would retain the socket until it expired.
      if (socket.connected) this.watchExpiry(socket, expiresAt);
    } catch (error) {
      this.log.failure(error);
      this.end(socket, { tell: false });
    }
  }
}
