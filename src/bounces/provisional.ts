/** Stands in until the classifier and the suppressions are merged. */
import { findingOf } from '../mail/categories.js';
import { Classifier } from './classifier.js';
import { Suppressions } from './suppressions.js';

export class ProvisionalClassifier extends Classifier {
  override classify() {
    return findingOf('unclassified', 'default');
  }
}

export class ProvisionalSuppressions extends Suppressions {
  override verdicts() {
    return Promise.resolve(new Map());
  }
  override takeBypass() {
    return Promise.resolve(false);
  }
  override record() {
    return Promise.resolve(undefined);
  }
  override delivered() {
    return Promise.resolve();
  }
}
