/** The button that closes a dialog in which nothing is left to send. */
export const Done = ({ onClose }: { onClose: () => void }) => (
  <div class="buttons">
    <button type="button" onClick={onClose}>
      Done
    </button>
  </div>
)
