declare namespace Express {
  interface Request {
    /** Made by the service for each request; named in problems and in the log. */
    id: string;
  }
}
