import { test } from 'node:test';
import { checkConformance } from './daemon-conformance.ts';
import { fakeModel } from './fake-dispatcher.ts';
import { adaptersHere, withGrpcDoor, withHttpDoor, withIpcDoor } from './fake-doors.ts';

// Guards: the same call through every door gives the same answer, and each door refuses bad bytes of
// its own wire with the code that belongs to them. The daemon behind the doors is a fake.

const maxBodyBytes = 200_000;

test('every door gives the same answers', { timeout: 120_000 }, async () => {
  await withIpcDoor({}, async (socketPath) => {
    const httpPort: Record<string, number> = {};
    const open = async (left: readonly ('uwebsockets' | 'node')[]): Promise<void> => {
      const [adapter, ...rest] = left;
      if (adapter === undefined) {
        await withGrpcDoor({}, (grpc) =>
          checkConformance({ httpPort, socketPath, grpc, model: fakeModel, maxBodyBytes }),
        );
        return;
      }
      await withHttpDoor({ adapter, maxBodyBytes }, async (door) => {
        httpPort[adapter] = door.port;
        await open(rest);
      });
    };
    await open(adaptersHere);
  });
});
