// Prints the path of a photograph to try things on: a group of people, from an npm package (MIT).
import { fileURLToPath } from 'node:url';

console.log(fileURLToPath(new URL('../node_modules/@vladmandic/face-api/demo/sample5.jpg', import.meta.url)));
