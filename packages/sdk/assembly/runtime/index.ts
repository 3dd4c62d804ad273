// The runtime of every plugin, in the place of AssemblyScript's own: see README.md, "Memory".
import "./heap";
import "./collector";
