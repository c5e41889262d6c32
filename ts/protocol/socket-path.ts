/** Where the daemon's Unix socket is unless it is told otherwise. */
export const defaultSocketPath = '/tmp/mlos.sock';

/** The variable that tells it, and its clients, another place. */
export const socketPathVariable = 'MLOS_API_IPC_SOCKET_PATH';
