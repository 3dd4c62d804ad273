/** The interfaces of the world that a component plugin is written for: `@otelwasm/sdk/wit/plugin.wit`. Their version stands in a component as the ABI's marker does in a module. */
export const WORLD_VERSION = "0.1.0";
export const PROCESSING: string = `otelwasm:plugin/processing@${WORLD_VERSION}`;
export const PLUGIN_HOST: string = `otelwasm:plugin/host@${WORLD_VERSION}`;
