/** The JupyterLab and Notebook 7 plugin: draws a panel's output, and saves the notebook that asks. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Panel, Widget } from "@lumino/widgets";

import { readPanelData } from "./paneldata";
import { PANEL_MIME } from "./protocol";
import { mount, mountNotice, type Mounted } from "./ui";
import type { Address } from "./ui/rest";

/** Before ipywidgets' view of the same output, whose rank is 0: ours also works while the cell blocks. */
const RANK = -20;

class PanelOutput extends Panel implements IRenderMime.IRenderer {
  private readonly host = new Widget();
  private mounted: Mounted | undefined;
  private transcript: IRenderMime.IRenderer | undefined;
  private model: IRenderMime.IMimeModel | undefined;

  constructor(
    private readonly address: Address,
    private readonly rendermime: IRenderMimeRegistry,
    private readonly saveNotebookOf: (output: Widget) => Promise<void>,
  ) {
    super();
    this.addClass("jp-AgentChat");
    this.addWidget(this.host);
    this.node.addEventListener("keydown", this.onKey);
  }

  /** Called anew whenever the output is updated; the panel stays, with what is being typed in it. */
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    const panel = readPanelData(model.data[PANEL_MIME]);
    if (!panel) {
      this.mounted?.dispose();
      this.mounted = undefined;
      mountNotice(this.host.node, "Agent chat", "This output names no conversation that could be shown.");
      return Promise.resolve();
    }
    const options = {
      ...this.address,
      channelId: panel.channel_id,
      channelName: panel.channel_name,
      questionId: panel.question_id,
      pageUrl: panel.page_url,
      onQuestionOpen: this.onQuestionOpen,
      onRefused: this.showTranscript,
    };
    if (this.mounted) this.mounted.update(options);
    else this.mounted = mount(this.host.node, options);
    return Promise.resolve();
  }

  /** Of Lab's shortcuts none counts in the panel, where one types; but who answered saves, as ever. */
  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    void this.saveNotebookOf(this);
  };

  private readonly onQuestionOpen = (): void => {
    void this.saveNotebookOf(this);
  };

  /** A notebook from elsewhere: its conversation is not here, but the same output holds what was said. Lab sanitises it. */
  private readonly showTranscript = (): void => {
    const html = "text/html";
    if (this.transcript || !this.model || !(html in this.model.data)) return;
    this.transcript = this.rendermime.createRenderer(html);
    void this.transcript.renderModel(this.model);
    this.addWidget(this.transcript);
  };

  override dispose(): void {
    this.mounted?.dispose();
    this.mounted = undefined;
    super.dispose();
  }
}

/** A page that is reloaded while the cell blocks shows the outputs that were saved: so the one that asks must be. */
function notebookSaver(tracker: INotebookTracker | null): (output: Widget) => Promise<void> {
  return async (output) => {
    const notebook = tracker?.find((each) => isWithin(output, each));
    if (!notebook || notebook.context.contentsModel?.writable === false || notebook.context.model.readOnly) return;
    try {
      await notebook.context.save();
    } catch (error) {
      console.warn("Agent chat: the notebook could not be saved, so its panel will not survive a reload.", error);
    }
  };
}

/** By the chain of widgets, not of nodes: a cell that is scrolled out of sight is not in the document. */
function isWithin(widget: Widget, ancestor: Widget): boolean {
  for (let each: Widget | null = widget; each; each = each.parent) if (each === ancestor) return true;
  return false;
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agentchat:panel",
  description: "Shows an agent's conversation inline, in the output of a cell.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, tracker: INotebookTracker | null) => {
    const { baseUrl, token } = app.serviceManager.serverSettings;
    const address: Address = { baseUrl: `${baseUrl}agentchat/`, auth: "jupyter", token };
    const save = notebookSaver(tracker);
    const factory = { safe: true, mimeTypes: [PANEL_MIME], createRenderer: () => new PanelOutput(address, rendermime, save) };
    rendermime.addFactory(factory, RANK);
  },
};

export default plugin;
