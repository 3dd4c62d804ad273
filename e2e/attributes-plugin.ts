/** The attributes example as its users build it. */
export { attributesPlugin } from "../examples/quickstart/plugin.ts";
