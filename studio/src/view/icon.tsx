/** Line icons on a 24 × 24 grid, drawn for the studio. They are hidden from screen readers; their button has the name. */

const PATHS = {
  download: 'M12 4v11m0 0-4-4m4 4 4-4M5 20h14',
  trash: 'M5 7h14M10 7V4h4v3m-7 0 1 13h8l1-13',
  heart:
    'M12 20S4 15 4 9.3C4 6.8 6 5 8.2 5 10 5 11.300 6 12 7.300 12.700 6 14 5 15.800 5 18 5 20 6.800 20 9.300 20 15 12 20 12 20Z',
  compare: 'M12 3v18M8 7H4v10h4m8-10h4v10h-4',
  brush: 'M14 4.500 19.500 10 11 18.500c-1.500 1.500-6 1.500-7 1.500 0-1 0-5.500 1.500-7ZM12 6.500l5.500 5.500',
  broken: 'M4 5h16v14H4Zm0 11 5-5 3 3 2-4 6 5',
  close: 'M6 6l12 12M18 6 6 18',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M5.500 11h13v9h-13Z',
  unlock: 'M7 11V8a5 5 0 0 1 9.500-2M5.500 11h13v9h-13Z',
  dice: 'M5 5h14v14H5ZM9 9h.01M15 9h.01M9 15h.01M15 15h.01M12 12h.01',
  swap: 'M7 4v13m0 0-3-3m3 3 3-3M17 20V7m0 0-3 3m3-3 3 3',
  image: 'M4 5h16v14H4Zm0 11 5-5 4 4 3-3 4 4M15.500 9h.01',
  undo: 'M9 6 4 11l5 5M4 11h10a5 5 0 0 1 0 10h-3',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v1.500m0 15V21M3 12h1.500m15 0H21M5.600 5.600l1.100 1.100m10.600 10.600 1.100 1.100m0-12.800-1.100 1.100M6.700 17.300l-1.100 1.100',
  moon: 'M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500Z',
  screen: 'M4 5h16v11H4Zm5 15h6m-3-4v4',
  keyboard: 'M3 7h18v11H3Zm4 4h.01M11 11h.01M15 11h.01M8 14.500h8',
  grid: 'M4 4h7v7H4Zm9 0h7v7h-7ZM4 13h7v7H4Zm9 0h7v7h-7Z',
  search: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12Zm4.500 10.500L20 20',
} as const;
type IconName = keyof typeof PATHS;

export function Icon({ name, filled = false }: { readonly name: IconName; readonly filled?: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill={filled ? 'currentColor' : 'none'}>
      <path d={PATHS[name]} />
    </svg>
  );
}

interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly pressed?: boolean;
  readonly filled?: boolean;
  /** The button does nothing, but keeps the focus. */
  readonly disabled?: boolean;
  readonly keys?: string;
}

/** A button that shows only an icon; its name appears on hover and for screen readers. */
export function IconButton({ icon, label, onClick, pressed, filled, disabled, keys }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={keys ? `${label} (${keys})` : label}
      aria-pressed={pressed}
      aria-keyshortcuts={keys}
      aria-disabled={disabled}
      onClick={disabled ? undefined : onClick}
    >
      <Icon name={icon} filled={filled ?? false} />
    </button>
  );
}
