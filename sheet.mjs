import sharp from 'sharp'; import {readdirSync} from 'node:fs';
const names=process.argv[3].split(',');
const W=390,H=844,s=names.length;
const imgs=await Promise.all(names.map(async(n,i)=>({input:await sharp(`/tmp/shots/${n}.png`).resize(W,H,{fit:'cover',position:'top'}).toBuffer(),left:i*(W+10),top:0})));
await sharp({create:{width:s*(W+10),height:H,channels:3,background:'#888'}}).composite(imgs).png().toFile(process.argv[2]);
