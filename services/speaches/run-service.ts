/** The service from its start to its end. */
import { type Acceleration, accelerationVariables, canUseCuda, chooseAcceleration } from "./accelerate.ts";
import { prepareStart, type RunContext } from "./prepare-service.ts";
import { Server } from "./server.ts";
import { inheritedVariables, serverVariables } from "./server-variables.ts";
import { type Attempts, refuseTakenPort, startWorking } from "./start-working.ts";
import { type Running, watch } from "./watch.ts";

/** Ends by the signal; throws a ManagerError where it can go on no longer. */
export async function runService(context: RunContext): Promise<void> {
  const { settings, teller } = context;
  refuseTakenPort(settings);
  const running = await startService(context);
  try {
    await watch(context, running);
  } finally {
    await teller.notify({ isStopping: true, status: "stopping" });
    await running.server.stop();
  }
}

async function startService(context: RunContext): Promise<Running> {
  const { settings, teller, signal } = context;
  using _ = teller.beat(signal);
  const { program, missing } = await prepareStart(context);
  const { first, detection } = await chooseAcceleration(settings, program.python, program.env, signal);
  for (const warning of detection.warnings) teller.warn(warning);
  const start = (acceleration: Acceleration): Server =>
    Server.start({
      ...program,
      host: settings.host,
      port: settings.port,
      env: {
        ...inheritedVariables(program.env),
        ...serverVariables(settings),
        ...accelerationVariables(acceleration, detection.providers),
      },
    });
  const attempts: Attempts = { start, first, missing, canUseCuda: canUseCuda(detection), warnings: detection.warnings };
  return { ...(await startWorking(context, attempts)), attempts };
}
