import { mount } from 'svelte';
import Photo from './Photo.svelte';

mount(Photo, { target: document.getElementById('root') });
