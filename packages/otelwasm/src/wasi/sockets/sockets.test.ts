import { socketsSuite } from "./sockets.suite.ts";

socketsSuite("v8");
