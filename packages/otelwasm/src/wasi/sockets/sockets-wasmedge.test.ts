import { inOwnProcess } from "../../runtime/testing/own-process.ts";
import { socketsSuite } from "./sockets.suite.ts";

await inOwnProcess("wasmedge", import.meta.filename, () => socketsSuite("wasmedge"));
