// AssemblyScript's types call it an alias, which TypeScript does not take as the type behind `number`: `n.toString()`.
interface Number extends _Float {}
