/** Compose gave up because of a container that others wait for. What is wrong with it that container knows best: its state, its log. */
import { HarborError } from "../_script/error.ts";

export class DependencyFailure extends HarborError {}
