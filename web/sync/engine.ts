/** The engine and its socket: loaded apart, because the pages of strangers need neither. */
export { io } from 'socket.io-client';
export { Engine } from '../../client/index.js';
export { uploadQueued } from './uploads.js';
