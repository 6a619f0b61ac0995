export * from '../../test/support/websocket.js';
