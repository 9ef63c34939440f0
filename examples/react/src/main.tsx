import { createRoot } from 'react-dom/client';
import { Camera } from './Camera.tsx';

createRoot(document.getElementById('root')!).render(<Camera />);
