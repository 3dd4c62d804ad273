export { Regexp } from "./regexp";
