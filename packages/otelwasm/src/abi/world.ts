/** The interfaces of the world that a component plugin is written for: `@otelwasm/sdk/wit/plugin.wit`. Their version stands in a component as the ABI's marker does in a module. */
export const PROCESSING = "otelwasm:plugin/processing@0.1.0";
export const PLUGIN_HOST = "otelwasm:plugin/host@0.1.0";
