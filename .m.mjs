import { bundleLazily, bundling } from './scripts/bundle.mjs';
import { build } from 'esbuild';
import { brotliCompressSync } from 'node:zlib';
const f = await bundleLazily('src/index.ts', { outdir: 'x', minify: true, write: false });
for (const [n,{contents}] of f) console.log(n, contents.length, brotliCompressSync(contents).length);
const { metafile } = await build({ ...bundling, entryPoints:['src/index.ts'], minify:true, write:false, metafile:true, outdir:'x', external:[...bundling.external,'./detector.ts'], plugins:[{name:'l',setup({onResolve}){onResolve({filter:/^\.\.?\//},({kind,path})=>kind==='dynamic-import'?{path,external:true}:undefined)}}]});
for (const o of Object.values(metafile.outputs)) if (o.entryPoint) console.log(Object.entries(o.inputs).sort((a,b)=>b[1].bytesInOutput-a[1].bytesInOutput).map(([k,v])=>k.replace('src/','')+' '+v.bytesInOutput).join('\n'));
