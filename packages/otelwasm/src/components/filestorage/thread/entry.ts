/** The thread of one store. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Request, StoreMessage, StoreSettings } from "../protocol.ts";
import { Failure } from "./failure.ts";
import { Requests } from "./requests.ts";
import { Store } from "./store.ts";

if (parentPort === null) throw new Error("this file is the entry of a thread");
serve(parentPort, workerData as StoreSettings);

function serve(port: MessagePort, settings: StoreSettings): void {
  const tell = (message: StoreMessage, ...transfer: ArrayBuffer[]): void => port.postMessage(message, transfer);
  let store: Store;
  try {
    store = new Store(settings, (recovery) => tell({ type: "recovered", recovery }));
  } catch (error) {
    const { code, message } = Failure.from(error, settings.directory);
    tell({ type: "refused", code, message });
    return;
  }
  if (settings.compact) {
    try {
      store.ask((database) => database.compact());
    } catch (error) {
      tell({
        type: "warning",
        message: `the store was not compacted: ${Failure.from(error, settings.directory).message}`,
      });
    }
  }
  const requests = new Requests(port, store, settings.directory, tell);
  port.on("message", (request: Request) => requests.handle(request));
  tell({ type: "ready" });
}
